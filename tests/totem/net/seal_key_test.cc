// The key file: which are accepted, and the words for those that are not. Source: config.md 12.
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/totem/net/seal_fixture.h"

namespace {

using totem::NodeId;
using totem::net::ClusterKey;
using totem::net::kTagBytes;
using totem::net::load_key_file;
using totem::net::SessionKey;
using totem::net::Suite;
using totem::net::test::key_material;

class KeyFile : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "key.XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        path_ = (folder_ / "authkey").string();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(std::size_t size, mode_t mode = 0400) const {
        std::ofstream(path_, std::ios::binary) << std::string(size, 'k');
        ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    }
    [[nodiscard]] std::string error() const {
        const auto key = load_key_file(path_);
        return key.has_value() ? "" : key.error().text;
    }

    std::filesystem::path folder_;
    std::string path_;
};

TEST_F(KeyFile, OfOrdinaryLengthsIsRead) {
    for (const std::size_t size : {128U, 256U, 4096U}) {
        write(size);
        const auto key = load_key_file(path_);
        ASSERT_TRUE(key.has_value()) << key.error().text;
        EXPECT_EQ(key.value().bytes().size(), size);
        EXPECT_EQ(std::ranges::count(key.value().bytes(), std::byte{'k'}),
                  static_cast<std::ptrdiff_t>(size));
        std::filesystem::remove(path_);
    }
}

TEST_F(KeyFile, MissingIsSaidInTheKnownWords) {
    EXPECT_EQ(error(), "Could not open " + path_ + ": No such file or directory");
}

TEST_F(KeyFile, TooShortIsSaidInTheKnownWords) {
    write(127);
    EXPECT_EQ(error(), "Could only read 1016 bits of minimum 1024 bits from " + path_ + ".");
    std::filesystem::remove(path_);
    write(0);
    EXPECT_EQ(error(), "Could only read 0 bits of minimum 1024 bits from " + path_ + ".");
}

TEST_F(KeyFile, TooLongIsRefused) {
    write(4097);
    EXPECT_EQ(error(), "Key file " + path_ + " is longer than the maximum of 32768 bits.");
}

TEST_F(KeyFile, ThatOthersCanReadIsRefused) {
    for (const mode_t mode : {0440U, 0404U, 0644U, 0620U}) {
        write(128, mode);
        EXPECT_NE(error().find("is accessible by group or others"), std::string::npos) << error();
        std::filesystem::remove(path_);
    }
    write(128, 0640);
    EXPECT_NE(error().find("(mode 0640). Run: chmod 0400"), std::string::npos) << error();
}

TEST_F(KeyFile, ThatIsNoFileIsRefused) {
    std::filesystem::create_directory(path_);
    EXPECT_EQ(error(), "Could not read " + path_ + ": not a regular file.");
    std::filesystem::remove(path_);
    ASSERT_EQ(mkfifo(path_.c_str(), 0400), 0);
    EXPECT_EQ(error(), "Could not read " + path_ + ": not a regular file.");
}

TEST(ClusterKey, ACopyOutlivesTheOriginal) {
    SessionKey of_original;
    std::optional<ClusterKey> copy;
    {
        const ClusterKey original(key_material(), "test");
        of_original.derive(original, NodeId{1}, {});
        copy.emplace(original.copy());
        EXPECT_EQ(copy->id(), original.id());
    }
    SessionKey of_copy;
    of_copy.derive(*copy, NodeId{1}, {});
    const SessionKey::Sealing how{Suite::kChaCha20Poly1305, 1, {}};
    std::vector<std::byte> text(20 + kTagBytes);
    of_original.encrypt(how, text);
    EXPECT_TRUE(of_copy.decrypt(how, text));
}

TEST(ClusterKey, DependsOnEveryByteAndOnTheName) {
    const ClusterKey key(key_material(), "test");
    EXPECT_EQ(key.id(), ClusterKey(key_material(), "test").id());
    EXPECT_NE(key.id(), ClusterKey(key_material(), "tesu").id());
    EXPECT_NE(key.id(), ClusterKey(key_material(), "").id());
    auto other = key_material();
    other.back() ^= std::byte{1};
    EXPECT_NE(key.id(), ClusterKey(other, "test").id());
    // The name does not run into the material.
    auto shifted = key_material(static_cast<std::uint8_t>('x'));
    EXPECT_NE(ClusterKey(std::span(shifted).subspan(1), "testx").id(),
              ClusterKey(shifted, "test").id());
}

}  // namespace
