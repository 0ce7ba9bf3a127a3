// Whether the address of a link is on an interface that is up, and which one.
//
// Looked at once per downcheck period; the list of interfaces, long on a virtualisation host, is
// read only when the kernel announced a change of links or addresses since.
//
// Source: wire.md 1 ("alone / interface down"), config.md 3 (downcheck) and 10.
#pragma once

#include <optional>

#include "totem/net/address.h"
#include "totem/net/udp_socket.h"

namespace totem::net {

struct InterfaceState {
    bool up = false;
    unsigned index = 0;  // 0 when the address is nowhere

    friend bool operator==(const InterfaceState&, const InterfaceState&) = default;
};

// Reads the interfaces now. Nothing when the kernel cannot be asked, as without a descriptor left:
// that says nothing about the link.
[[nodiscard]] std::optional<InterfaceState> interface_of(const IpAddress& address);

class InterfaceWatch {
  public:
    // Starts to listen for announcements. Where the kernel refuses that, changed() is always true.
    void open();
    void close() { announcements_ = FileDescriptor(); }
    // True when links or addresses may have changed since the last call.
    [[nodiscard]] bool changed();
    // What was announced could not be looked at: the next changed() is true.
    void look_again() noexcept { look_again_ = true; }

  private:
    bool look_again_ = false;
    FileDescriptor announcements_;
};

}  // namespace totem::net
