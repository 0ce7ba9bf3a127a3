# cmake --install: programs, units and man pages where Debian has them; cmake --build --target
# uninstall takes away what the last install of this build folder put there.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
    set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where to install" FORCE)
endif()
include(GNUInstallDirs)

set(QUORATE_UNIT_DIR lib/systemd/system CACHE PATH "Where systemd's units go, below the prefix")
foreach(unit totemd cfsd)
    configure_file(packaging/systemd/${unit}.service.in packaging/${unit}.service @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/packaging/${unit}.service DESTINATION ${QUORATE_UNIT_DIR})
endforeach()
install(TARGETS totemd cfsd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS pvecm RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/man/totemd.8 packaging/man/pvecm.8 packaging/man/cfsd.8
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)

add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
        -P ${CMAKE_SOURCE_DIR}/cmake/uninstall.cmake
    VERBATIM)
