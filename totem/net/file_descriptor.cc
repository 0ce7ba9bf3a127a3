#include "totem/net/file_descriptor.h"

#include <unistd.h>

namespace totem::net {

FileDescriptor::~FileDescriptor() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

}  // namespace totem::net
