// pvecm as a whole: which command is meant, who may run it, help, what it ends with.
#include <gtest/gtest.h>

#include "tests/pvecm/fakes.h"

namespace {

using pvecm_test::Program;

constexpr const char* kUsage =
    "USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]\n"
    "\n"
    "       pvecm create <clustername> [OPTIONS]\n"
    "       pvecm expected <expected> [OPTIONS]\n"
    "       pvecm help [<command>] [OPTIONS]\n"
    "       pvecm keygen <filename>\n"
    "       pvecm nodes\n"
    "       pvecm status\n";

TEST(PvecmProgram, NoOrWrongCommand) {
    Program program;
    EXPECT_EQ(program.run({}), 255);
    EXPECT_EQ(program.err, std::string{"ERROR: no command specified\n"} + kUsage);
    EXPECT_EQ(program.run({"foo"}), 255);
    EXPECT_EQ(program.err, std::string{"ERROR: unknown command 'pvecm foo'\n"} + kUsage);
    EXPECT_EQ(program.run({""}), 255);
    EXPECT_EQ(program.out, "");
}

TEST(PvecmProgram, CommandsMayBeCutShort) {
    Program program;
    program.configured();
    EXPECT_EQ(program.run({"no"}), 0);
    const std::string nodes = program.out;
    EXPECT_EQ(program.run({"nodes"}), 0);
    EXPECT_EQ(program.out, nodes);
    EXPECT_NE(nodes, "");
}

TEST(PvecmProgram, OnlyRootButForHelp) {
    Program program;
    program.host.root = false;
    for (const std::string command : {"create", "expected", "keygen", "nodes", "status"}) {
        EXPECT_EQ(program.run({command}), 255);
        EXPECT_EQ(program.err, "please run as root\n");
    }
    EXPECT_EQ(program.run({"help"}), 0);
}

TEST(PvecmProgram, Help) {
    Program program;
    for (const std::string word : {"help", "-h", "--help"}) {
        EXPECT_EQ(program.run({word}), 0);
        EXPECT_EQ(program.out, kUsage);
    }
    EXPECT_EQ(program.run({"help", "st", "keygen"}), 0);
    EXPECT_EQ(program.out, "USAGE: pvecm status\nUSAGE: pvecm keygen <filename>\n");
    EXPECT_EQ(program.run({"help", "expected", "--verbose"}), 0);
    EXPECT_EQ(
        program.out,
        "USAGE: pvecm expected <expected> [OPTIONS]\n"
        "\n"
        "  Tell the cluster how many votes to expect, until its configuration is read again.\n"
        "\n"
        "  <expected> <integer> (1 - N)\n"
        "      Expected number of votes.\n"
        "\n"
        "  -yes <boolean>\n"
        "      Do not ask, although nodes are missing.\n");
    EXPECT_EQ(program.run({"help", "foo"}), 255);
}

TEST(PvecmProgram, WrongParametersAreFollowedByTheUsage) {
    Program program;
    EXPECT_EQ(program.run({"create", "a_b"}), 255);
    EXPECT_EQ(program.err,
              "400 Parameter verification failed.\n"
              "clustername: invalid format - value does not look like a valid node name\n"
              "\n"
              "pvecm create <clustername> [OPTIONS]\n"
              "\n");
    EXPECT_TRUE(program.directory.files().empty());
}

}  // namespace
