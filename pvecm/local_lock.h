// One pvecm at a time on this machine.
//
// Source: pvecm.md 2 (local lock: file, patience, texts).
#pragma once

#include <chrono>
#include <string>

#include "totem/core/result.h"
#include "totem/net/file_descriptor.h"

namespace pvecm {

// Held until it is destroyed; the file stays.
class LocalLock {
  public:
    static constexpr std::chrono::seconds kPatience{10};

    // The error is a line for stderr.
    [[nodiscard]] static totem::Result<LocalLock, std::string> take(
        const std::string& path, std::chrono::milliseconds patience = kPatience);

  private:
    explicit LocalLock(totem::net::FileDescriptor file) : file_(std::move(file)) {}
    totem::net::FileDescriptor file_;
};

}  // namespace pvecm
