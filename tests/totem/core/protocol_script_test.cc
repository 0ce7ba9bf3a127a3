// Replays every script in tests/totem/scripts/ against a ring of real protocol cores.
//
// A script is the whole test: commands in, everything the cores did out. No sockets, no threads, no
// clock: time moves only in commands. Each runs with message numbers from 0 and again with numbers
// that wrap and that cross 2^31 on the way; the output is the same. When a change of the protocol
// moves it, run with TOTEM_REWRITE=1, read the difference as a reviewer would, and commit it with
// the change that caused it.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/support/datadriven.h"
#include "tests/support/scripted_ring.h"

namespace {

using datadriven::Command;
using totem::testing::ScriptedRing;
using Handler = std::string (ScriptedRing::*)(const Command&);

// One line per command, so this table is also the script language's manual.
const std::map<std::string, Handler> kHandlers = {
    {"start", &ScriptedRing::start},    // ids=(1,2)
    {"form", &ScriptedRing::form},      // ids=(1,2): runs until these are one ring
    {"ring", &ScriptedRing::ring},      // ids=(1,2): start and form, unseen
    {"submit", &ScriptedRing::submit},  // node=1 [guarantee=safe], the text on the next line
    {"lose", &ScriptedRing::lose},      // kind [from=1] [to=(2,3)] [count=1]
    {"restore", &ScriptedRing::restore},
    {"watch", &ScriptedRing::watch},          // token data join commit merge cancel
    {"rotate", &ScriptedRing::rotate},        // count=1: runs until node 1 got the token again
    {"advance", &ScriptedRing::advance},      // ms=10
    {"kill", &ScriptedRing::kill},            // node=1
    {"leave", &ScriptedRing::leave},          // node=1
    {"partition", &ScriptedRing::partition},  // one=(1,2) other=(3)
    {"heal", &ScriptedRing::heal},
    {"show", &ScriptedRing::show},  // node=1
};

using Parameters = std::tuple<std::filesystem::path, std::uint32_t>;

class ProtocolScript : public ::testing::TestWithParam<Parameters> {};

TEST_P(ProtocolScript, MatchesRecordedOutput) {
    const auto& [script, first_seq] = GetParam();
    ScriptedRing ring(first_seq);
    datadriven::run(script, first_seq == 0, [&ring](const Command& command) -> std::string {
        const auto handler = kHandlers.find(command.name);
        return handler == kHandlers.end() ? "unknown command\n" : (ring.*handler->second)(command);
    });
}

std::string name_of(const ::testing::TestParamInfo<Parameters>& info) {
    const auto& [script, first_seq] = info.param;
    return datadriven::stem(script) + "_from_" + std::to_string(first_seq);
}

INSTANTIATE_TEST_SUITE_P(
    All, ProtocolScript,
    ::testing::Combine(::testing::ValuesIn(datadriven::scripts("tests/totem/scripts")),
                       ::testing::Values(0U, 0xFFFFFFFEU, 0x7FFFFFFEU)),
    name_of);

}  // namespace
