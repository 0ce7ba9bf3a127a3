// A failed TOTEM_CHECK of a daemon: one line in its log before it aborts, or ends within seconds
// when the log is stuck.
#pragma once

#include "totem/process/log.h"

namespace totem::process {

// One of a process. Failed checks are told in `log` while it lives.
class LastWords {
  public:
    explicit LastWords(Log& log);
    ~LastWords();
    LastWords(const LastWords&) = delete;
    LastWords& operator=(const LastWords&) = delete;
    LastWords(LastWords&&) = delete;
    LastWords& operator=(LastWords&&) = delete;
};

}  // namespace totem::process
