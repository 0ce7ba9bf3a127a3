// How totemd ends, as corosync does: scripts and units look at it. Source: config.md 15.
#pragma once

namespace totem::daemon {

constexpr int kExitFork = 4;
constexpr int kExitLogging = 7;
constexpr int kExitConfiguration = 8;
constexpr int kExitServices = 13;
constexpr int kExitTotem = 15;
constexpr int kExitStateDirectory = 16;
constexpr int kExitLock = 17;
constexpr int kExitRunning = 18;
constexpr int kExitRingId = 21;

}  // namespace totem::daemon
