// create and keygen: what they write, what they refuse, and that nothing half-written is left.
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "pvecm/local_lock.h"
#include "pvecm/new_file.h"
#include "tests/pvecm/fakes.h"
#include "totem/config/load.h"

namespace {

using pvecm_test::address;
using pvecm_test::Program;
using pvecm_test::read_file;
using pvecm_test::write_file;
using Files = std::vector<std::string>;

constexpr const char* kUno =
    "logging {\n"
    "  debug: off\n"
    "  to_syslog: yes\n"
    "}\n"
    "\n"
    "nodelist {\n"
    "  node {\n"
    "    name: uno\n"
    "    nodeid: 1\n"
    "    quorum_votes: 1\n"
    "    ring0_addr: 10.0.0.1\n"
    "  }\n"
    "}\n"
    "\n"
    "quorum {\n"
    "  provider: corosync_votequorum\n"
    "}\n"
    "\n"
    "totem {\n"
    "  cluster_name: test\n"
    "  config_version: 1\n"
    "  interface {\n"
    "    bindnetaddr: 10.0.0.1\n"
    "    ringnumber: 0\n"
    "  }\n"
    "  ip_version: ipv4\n"
    "  secauth: on\n"
    "  transport: udpu\n"
    "  version: 2\n"
    "}\n"
    "\n";

unsigned mode_of(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

class PvecmCreate : public ::testing::Test {
  protected:
    // Of a create that must not write anything, with what it says.
    std::string refused(const std::vector<std::string>& words) {
        std::vector<std::string> all{"create", "test"};
        all.insert(all.end(), words.begin(), words.end());
        EXPECT_EQ(program.run(all), 255);
        EXPECT_EQ(program.directory.files(), Files{"lock"});
        EXPECT_EQ(program.out, "");
        return program.err;
    }
    totem::config::ClusterConfig written() {
        auto loaded = totem::config::parse(read_file(conf), conf);
        EXPECT_TRUE(loaded.config);
        return loaded.config.value_or(totem::config::ClusterConfig{});
    }

    Program program;
    const std::string conf = program.directory / "etc/corosync.conf";
    const std::string key = program.directory / "etc/authkey";
};

TEST_F(PvecmCreate, WritesBothFiles) {
    EXPECT_EQ(program.run({"create", "test"}), 0);
    EXPECT_EQ(program.err, "");
    EXPECT_EQ(program.out, "Writing corosync key to " + key + "\nWriting corosync config to " +
                               conf + "\nNext: systemctl enable --now totemd, then pvecm status\n");
    EXPECT_EQ(read_file(conf), kUno);
    EXPECT_EQ(mode_of(conf), 0644U);
    EXPECT_EQ(read_file(key).size(), 256U);
    EXPECT_EQ(mode_of(key), 0400U);
    EXPECT_EQ(program.directory.files(), (Files{"etc/authkey", "etc/corosync.conf", "lock"}));
}

TEST_F(PvecmCreate, TakesItsOptions) {
    EXPECT_EQ(program.run({"create", "test", "-nodeid", "7", "-votes=3", "--ring0_addr", "10.0.0.1",
                           "-bindnet0_addr", "10.0.0.0", "-rrp_mode", "passive"}),
              0);
    const auto config = written();
    EXPECT_EQ(config.nodes.at(0).nodeid, 7U);
    EXPECT_EQ(config.nodes.at(0).quorum_votes, 3U);
    EXPECT_EQ(config.totem.interfaces.at(0).bindnetaddr, "10.0.0.0");
    EXPECT_TRUE(config.totem.secauth);
    EXPECT_EQ(config.find("totem.rrp_mode"), nullptr);
}

TEST_F(PvecmCreate, AddressesOfTheOtherFamily) {
    EXPECT_EQ(program.run({"create", "test", "-link0", "address=fd00::1,priority=5"}), 0);
    const auto config = written();
    EXPECT_EQ(config.nodes.at(0).addresses.at(0).text, "fd00::1");
    EXPECT_EQ(config.totem.ip_version, totem::config::IpVersion::kV6);
}

TEST_F(PvecmCreate, AHostNameStaysOne) {
    EXPECT_EQ(program.run({"create", "test", "-ring0_addr", "six"}), 0);
    const auto config = written();
    EXPECT_EQ(config.nodes.at(0).addresses.at(0).text, "six");
    EXPECT_EQ(config.totem.interfaces.at(0).bindnetaddr, "fd00::1");
    EXPECT_EQ(config.totem.ip_version, totem::config::IpVersion::kV6);
}

TEST_F(PvecmCreate, RefusesAddressesThatCannotBe) {
    EXPECT_EQ(refused({"-ring0_addr", "nowhere"}),
              "hostname lookup 'nowhere' failed - the name has no address\n");
    EXPECT_EQ(refused({"-ring0_addr", "lo"}),
              "hostname lookup 'lo' failed - got local IP address '127.0.1.1'\n");
    EXPECT_EQ(refused({"-ring0_addr", "10.0.0.9"}),
              "ring0: cannot use IP '10.0.0.9', it must be configured exactly once on local "
              "node!\n");
    EXPECT_EQ(refused({"-bindnet0_addr", "fd00::"}),
              "ring 0 addresses must be from same IP family!\n");
    EXPECT_EQ(refused({"-ring0_addr", "10.0.0.1", "-link0", "10.0.0.1"}),
              "ring0_addr and link0 mean the same: give one of them\n");
    EXPECT_EQ(refused({"-ring1_addr", "10.1.0.1"}),
              "a second network is not supported yet: leave out -ring1_addr\n");
    program.host.interfaces.push_back({"eth1", address("10.0.0.1"), 24, true});
    EXPECT_TRUE(refused({}).starts_with("ring0: cannot use IP '10.0.0.1'"));
}

TEST_F(PvecmCreate, RefusesAHostWithoutAName) {
    program.host.names["uno"] = {address("127.0.1.1")};
    EXPECT_EQ(refused({}),
              "hostname lookup 'uno' failed - got local IP address '127.0.1.1'\n"
              "Enter the address of this node in /etc/hosts, or give it: -ring0_addr ADDRESS\n");
    program.host.name = "uno_due";
    EXPECT_EQ(refused({}),
              "the host name 'uno_due' is no node name: letters, digits and inner hyphens only\n");
}

// What the cluster engine would not start with is not written, and said in its words.
TEST_F(PvecmCreate, RefusesWhatWouldNotStart) {
    const auto said = refused({"-ring0_addr", "0.0.0.0"});
    EXPECT_TRUE(said.starts_with("parse error in config: failed to parse node address '0.0.0.0' (" +
                                 conf + ":11)\n"))
        << said;
}

TEST_F(PvecmCreate, NeverReplacesAConfiguration) {
    write_file(conf, "mine");
    EXPECT_EQ(program.run({"create", "test"}), 255);
    EXPECT_EQ(program.err, "cluster config '" + conf + "' already exists\n");
    EXPECT_EQ(read_file(conf), "mine");
    EXPECT_EQ(program.directory.files(), (Files{"etc/corosync.conf", "lock"}));
    std::filesystem::remove(conf);
    std::filesystem::create_symlink("nowhere", conf);
    EXPECT_EQ(program.run({"create", "test"}), 255);
    EXPECT_EQ(program.err, "cluster config '" + conf + "' already exists\n");
}

TEST_F(PvecmCreate, UsesAKeyThatIsThere) {
    EXPECT_EQ(program.run({"keygen", key}), 0);
    EXPECT_EQ(program.out, "Writing corosync key to " + key + ".\n");
    const std::string before = read_file(key);
    EXPECT_EQ(program.run({"create", "test"}), 0);
    EXPECT_TRUE(program.out.starts_with("Using the corosync key in " + key + "\n"));
    EXPECT_EQ(read_file(key), before);
}

TEST_F(PvecmCreate, RefusesAKeyThatIsNone) {
    write_file(key, std::string(256, 'k'));
    std::filesystem::permissions(key, std::filesystem::perms{0644});
    EXPECT_EQ(program.run({"create", "test"}), 255);
    EXPECT_TRUE(program.err.starts_with("no authentication key available: ")) << program.err;
    EXPECT_EQ(program.directory.files(), (Files{"etc/authkey", "lock"}));
}

TEST_F(PvecmCreate, LeavesNothingWithoutRandomness) {
    program.host.random = false;
    EXPECT_EQ(refused({}),
              "no authentication key available: the kernel gives no random bytes: no "
              "key was made\n");
}

// The key goes again when the configuration cannot be written. Root may write anywhere, so what is
// in the way is a file where a directory should be.
TEST_F(PvecmCreate, LeavesNoKeyWithoutAConfiguration) {
    write_file(program.directory / "etc", "in the way");
    pvecm::HostConfig elsewhere{program.directory / "etc/corosync.conf"};
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    pvecm::Context context{.in = in,
                           .out = out,
                           .err = err,
                           .cluster = program.cluster,
                           .host = program.host,
                           .config = elsewhere,
                           .key_path = program.directory / "key",
                           .lock_path = program.directory / "lock"};
    const std::vector<std::string> words{"create", "test"};
    EXPECT_EQ(pvecm::run_program(context, words), 255);
    EXPECT_NE(err.str(), "");
    EXPECT_EQ(program.directory.files(), (Files{"etc", "lock"}));
}

TEST_F(PvecmCreate, KeygenNeverReplaces) {
    write_file(key, "mine");
    EXPECT_EQ(program.run({"keygen", key}), 255);
    EXPECT_EQ(program.err, "key file '" + key + "' already exists\n");
    EXPECT_EQ(read_file(key), "mine");
    EXPECT_EQ(program.run({"keygen", ""}), 255);
    EXPECT_NE(program.err.find("filename: value must not be empty\n"), std::string::npos);
}

TEST(PvecmNewFile, IsWholeOrNotThere) {
    const pvecm_test::Directory directory;
    const std::string path = directory / "a/b/file";
    const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
    EXPECT_EQ(pvecm::create_file(path, 0600, bytes("first")), std::nullopt);
    EXPECT_EQ(mode_of(path), 0600U);
    EXPECT_EQ(pvecm::create_file(path, 0600, bytes("second")),
              "cannot create '" + path + "' - File exists");
    EXPECT_EQ(read_file(path), "first");
    EXPECT_EQ(directory.files(), Files{"a/b/file"});
    pvecm::remove_file(path);
    EXPECT_EQ(directory.files(), Files{});
}

TEST(PvecmLocalLock, HasOneHolder) {
    const pvecm_test::Directory directory;
    const std::string path = directory / "lock";
    {
        const auto held = pvecm::LocalLock::take(path);
        ASSERT_TRUE(held);
        const auto second = pvecm::LocalLock::take(path, std::chrono::milliseconds{120});
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error(), "can't lock file '" + path + "' - got timeout");
    }
    EXPECT_TRUE(pvecm::LocalLock::take(path, std::chrono::milliseconds{0}));
    EXPECT_EQ(pvecm::LocalLock::take(directory / "none/lock").error(),
              "can't lock file '" + (directory / "none/lock") + "' - No such file or directory");
}

}  // namespace
