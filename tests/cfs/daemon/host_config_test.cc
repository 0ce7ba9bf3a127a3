// The host's corosync.conf: replaced by a newer one of the tree only, and the ring daemon is asked
// to read it by the node that changed it.
#include "cfs/daemon/host_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "cfs/core/state.h"
#include "totem/process/read_file.h"

namespace {

namespace client = totem::client;
using cfs::HostConfig;
using cfs::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;
using totem::NodeId;

TEST(ConfigVersion, IsFoundWhereCorosyncFindsIt) {
    EXPECT_EQ(cfs::config_version_of("totem {\n  version: 2\n  config_version: 17\n}\n"), 17U);
    EXPECT_EQ(cfs::config_version_of("config_version :\t3  \r\n"), 3U);
    EXPECT_EQ(cfs::config_version_of("# config_version: 3\nmy_config_version: 4\n"), std::nullopt);
    EXPECT_EQ(cfs::config_version_of("config_version: 3x\nconfig_version: 5"), 5U);
    EXPECT_EQ(cfs::config_version_of("config_version: 99999999999999999999999"), std::nullopt);
    EXPECT_EQ(cfs::config_version_of(""), std::nullopt);
}

class HostConfigTest : public ::testing::Test {
  protected:
    HostConfigTest() {
        std::string name = "/tmp/host-config-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        path_ = directory_ + "/corosync.conf";
        host_ = std::make_unique<HostConfig>(
            path_, [this](HostConfig::Written written) { written_.set_value(std::move(written)); });
    }
    ~HostConfigTest() override {
        host_.reset();
        std::filesystem::remove_all(directory_);
    }

    static std::string conf(int version, const std::string& more = "") {
        return "totem {\n  config_version: " + std::to_string(version) + "\n}\n" + more;
    }
    void on_host(const std::string& text) const { std::ofstream(path_) << text; }
    // The tree gets this text, written by `writer`; what came of it.
    HostConfig::Written in_tree(const std::string& text, std::uint32_t writer) {
        const cfs::OperationId id{NodeId{writer}, cfs::Life{1}, ++number_};
        if (!inode_) {
            inode_ = state_.apply(1, {id, 1, cfs::Create{cfs::kRootInode, "corosync.conf", true}})
                         .outcome.inode;
            host_->look(now, state_.tree(), NodeId{1});  // empty yet: no news
        }
        const cfs::OperationId cut{NodeId{writer}, cfs::Life{1}, ++number_};
        state_.apply(1, {cut, 1, cfs::Truncate{*inode_, text.size()}});
        const cfs::OperationId write{NodeId{writer}, cfs::Life{1}, ++number_};
        state_.apply(1, {write, 1, cfs::Write{*inode_, {{0, std::as_bytes(std::span(text))}}}});
        written_ = {};
        auto future = written_.get_future();
        host_->look(now, state_.tree(), NodeId{1});
        HostConfig::Written written = future.get();
        host_->on_written(now, written);
        return written;
    }
    std::string file() const {
        const auto text = totem::process::read_file(path_);
        return text ? *text : "none";
    }
    std::vector<client::Action> wake() {
        std::vector<client::Action> actions;
        host_->wake(now, actions);
        return actions;
    }

    std::string directory_, path_;
    std::promise<HostConfig::Written> written_;
    std::unique_ptr<HostConfig> host_;
    cfs::State state_;
    std::uint64_t number_ = 0;
    std::optional<cfs::Inode> inode_;
    Instant now{seconds(100)};
};

TEST_F(HostConfigTest, OnlyANewerOneReplaces) {
    on_host(conf(5));
    EXPECT_FALSE(in_tree(conf(5, "# other\n"), 2).replaced);
    EXPECT_FALSE(in_tree(conf(4), 2).replaced);
    EXPECT_EQ(file(), conf(5));
    EXPECT_FALSE(in_tree("totem {\n}\n", 2).problem.empty()) << "no version, no copy";
    const auto written = in_tree(conf(6), 2);
    EXPECT_TRUE(written.replaced);
    EXPECT_EQ(written.version, 6U);
    EXPECT_EQ(file(), conf(6));
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0644U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(HostConfigTest, AHostWithoutOneGetsIt) {
    EXPECT_TRUE(in_tree(conf(1), 2).replaced);
    EXPECT_EQ(file(), conf(1));
}

TEST_F(HostConfigTest, WhatCannotBeWrittenIsSaid) {
    std::filesystem::remove_all(directory_);
    const auto written = in_tree(conf(1), 2);
    EXPECT_FALSE(written.replaced);
    EXPECT_NE(written.problem.find(path_), std::string::npos);
}

// It may be newer than the tree's, for all one can know.
TEST_F(HostConfigTest, WhatCannotBeReadIsLeftAlone) {
    std::filesystem::create_directory(path_);
    const auto written = in_tree(conf(1), 2);
    EXPECT_FALSE(written.replaced);
    EXPECT_EQ(written.problem, "cannot read " + path_ + ": Is a directory");
    EXPECT_TRUE(std::filesystem::is_directory(path_));
}

TEST_F(HostConfigTest, WhoMadeTheChangeAsksForTheReload) {
    on_host(conf(1));
    in_tree(conf(2), 1);
    EXPECT_TRUE(wake().empty()) << "the others write theirs first";
    now += seconds(1);
    ASSERT_EQ(wake().size(), 1U);
    std::vector<client::Action> actions;
    EXPECT_EQ(host_->on_door(now, client::Connected{client::Door::kCfg}, actions), "");
    ASSERT_EQ(actions.size(), 1U);
    const auto& request = std::get<client::Request>(actions[0]);
    EXPECT_TRUE(std::ranges::equal(request.bytes, client::cfg_reload()));
    client::Bytes reply(24);
    client::set_field<std::uint32_t>(reply, 8, 24);
    client::set_field<std::uint32_t>(reply, 16, 1);
    actions.clear();
    EXPECT_NE(host_->on_door(now, client::Reply{client::Door::kCfg, reply}, actions), "");
    ASSERT_EQ(actions.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<client::Disconnect>(actions[0]));
    EXPECT_EQ(host_->wake_at(), std::nullopt);
}

TEST_F(HostConfigTest, AnotherNodeAsksOnlyWhenItsDaemonWasMissed) {
    on_host(conf(1));
    in_tree(conf(2), 2);
    now += seconds(3);
    EXPECT_TRUE(wake().empty());
    host_->on_running(now, 1);
    now += seconds(3);
    EXPECT_EQ(wake().size(), 1U);

    std::vector<client::Action> actions;
    EXPECT_NE(host_->on_door(
                  now, client::ConnectFailed{client::Door::kCfg, client::Error::kLibrary}, actions),
              "");
    in_tree(conf(3), 2);
    host_->on_running(now, 3);
    now += seconds(60);
    EXPECT_TRUE(wake().empty());
}

TEST_F(HostConfigTest, ADaemonWithoutRoomIsAskedAgain) {
    on_host(conf(1));
    in_tree(conf(2), 1);
    now += seconds(1);
    ASSERT_EQ(wake().size(), 1U);
    std::vector<client::Action> actions;
    EXPECT_EQ(host_->on_door(now, client::NotTaken{client::Door::kCfg}, actions), "");
    EXPECT_TRUE(wake().empty());
    now += milliseconds(100);
    EXPECT_EQ(wake().size(), 1U);
}

}  // namespace
