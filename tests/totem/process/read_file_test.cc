// A configuration is read whole, or the reason is said: nothing is thrown at a daemon that runs.
#include "totem/process/read_file.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace {

using totem::process::kReadFileMax;
using totem::process::read_file;

class ReadFile : public ::testing::Test {
  protected:
    ReadFile() {
        std::string name = ::testing::TempDir() + "read-file-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~ReadFile() override { std::filesystem::remove_all(directory_); }

    std::string path() const { return directory_ + "/file"; }
    int error() const {
        const auto text = read_file(path());
        return text ? 0 : text.error();
    }

    std::string directory_;
};

TEST_F(ReadFile, GivesAllOfIt) {
    std::ofstream(path()) << "";
    EXPECT_EQ(*read_file(path()), "");
    const std::string text(100000, 'x');
    std::ofstream(path()) << text;
    EXPECT_EQ(*read_file(path()), text);
}

TEST_F(ReadFile, SaysWhyNot) {
    EXPECT_EQ(error(), ENOENT);
    std::filesystem::create_directory(path());
    EXPECT_EQ(error(), EISDIR);
}

TEST_F(ReadFile, HasAnEnd) {
    std::filesystem::create_symlink("/dev/zero", path());
    EXPECT_EQ(error(), EFBIG);
    std::filesystem::remove(path());
    std::ofstream(path()) << "x";
    std::filesystem::resize_file(path(), kReadFileMax);
    EXPECT_EQ(error(), 0);
}

}  // namespace
