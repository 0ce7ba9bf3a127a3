#include "pvecm/key_file.h"

#include <sys/stat.h>

#include "pvecm/new_file.h"
#include "totem/net/seal_key.h"

namespace pvecm {

std::optional<std::string> make_key_file(Host& host, const std::string& path) {
    constexpr std::size_t kKeyBytes = 256;
    totem::net::SecretBytes key(kKeyBytes);
    if (!host.draw_random(key.bytes())) {
        return "the kernel gives no random bytes: no key was made";
    }
    return create_file(path, S_IRUSR, key.bytes());
}

std::optional<std::string> check_key_file(const std::string& path) {
    const auto key = totem::net::load_key_file(path);
    return key ? std::nullopt : std::optional{key.error().text};
}

}  // namespace pvecm
