// Random operations for tests of what must hold for any state.
#pragma once

#include <cstdint>
#include <string>

#include "tests/cfs/replica.h"
#include "tests/support/frames.h"

namespace cfs::testing {

// One random operation over few names, so that files are replaced, grow, shrink and go.
inline void one_operation(Replica& fs, frames::Random& random) {
    const std::string path = "f" + std::to_string(random.below(6));
    const std::string other = "f" + std::to_string(random.below(6));
    const std::string text(1 + random.below(3000) * (1 + random.below(12)),
                           static_cast<char>('a' + random.below(26)));
    switch (random.below(9)) {
        case 0:
            fs.mkdirs("d/" + path);
            break;
        case 1:
            fs.truncate(path, random.below(40000));
            break;
        case 2:
            fs.unlink(path);
            break;
        case 3:
            fs.rename(path, other);
            break;
        case 4: {
            const auto data = bytes_of(text);
            fs.apply(Chunk{random.below(3),
                           static_cast<std::uint32_t>(random.below(2)),
                           {{random.below(9999), data}}});
            break;
        }
        case 5:
            fs.apply(CommitChunks{fs.inode(path), random.below(3), 1});
            break;
        case 6:
            fs.rmdir("d/" + path);
            break;
        default:
            fs.put(path, text);
            break;
    }
}

}  // namespace cfs::testing
