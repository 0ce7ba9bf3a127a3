# How every target of the project is built: language, warnings, sanitizers, where programs go.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(QUORATE_CCACHE ccache)
if(QUORATE_CCACHE)
    # With the sloppiness ccache needs to keep objects built from a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
        ${QUORATE_CCACHE})
endif()

add_library(quorate_options INTERFACE)
target_compile_options(quorate_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
target_include_directories(quorate_options INTERFACE ${CMAKE_SOURCE_DIR})
if(QUORATE_SANITIZE)
    target_compile_options(quorate_options INTERFACE
        -fsanitize=${QUORATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
        -Wno-error)  # g++ 12 gives false alarms in instrumented code; the plain build has them as errors
    target_link_options(quorate_options INTERFACE -fsanitize=${QUORATE_SANITIZE})
endif()

# Plants the bugs of tests/mutants into the cores, each to be switched on by totem-sim --mutant.
option(QUORATE_MUTANTS "Build with planted bugs, for the tests of the checkers only" OFF)
if(QUORATE_MUTANTS)
    target_compile_definitions(quorate_options INTERFACE QUORATE_MUTANTS)
endif()

# quorate_core(NAME SOURCES... [DEPENDS targets...]): a pure room: no exceptions, no RTTI, std only.
# Under sanitizers RTTI stays, since UBSan's vptr check needs it.
function(quorate_core name)
    cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
    add_library(${name} STATIC ${ROOM_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PUBLIC ${ROOM_DEPENDS} PRIVATE quorate_options)
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_compile_options(${name} PRIVATE -fno-exceptions)
    if(NOT QUORATE_SANITIZE)
        target_compile_options(${name} PRIVATE -fno-rtti)
    endif()
endfunction()

# quorate_shell(NAME SOURCES... [DEPENDS targets...]): a room that touches the world.
function(quorate_shell name)
    cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
    add_library(${name} STATIC ${ROOM_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PUBLIC ${ROOM_DEPENDS} PRIVATE quorate_options)
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()

# quorate_test(NAME SOURCES... [DEPENDS targets...]): one GoogleTest program, one ctest entry.
# Runs in the source directory, where its data is.
function(quorate_test name)
    cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
    add_executable(${name} ${ROOM_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE ${ROOM_DEPENDS} quorate_options GTest::gtest_main)
    # g++ 12 sees overflows in std::string and std::vector that are not there (GCC bug 105329 and kin);
    # the sanitizer runs look for real ones.
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
    target_precompile_headers(${name} REUSE_FROM quorate_test_pch)
    # Relative to where tests run, so that every clone of the tree compiles to the same object.
    target_compile_definitions(${name} PRIVATE QUORATE_SOURCE_DIR=".")
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()
