#include "totem/daemon/configuration.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <ifaddrs.h>
#include <iterator>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <pwd.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "totem/config/examine.h"
#include "totem/config/load.h"
#include "totem/config/reload.h"
#include "totem/daemon/exit_codes.h"
#include "totem/net/packet_seal.h"

namespace totem::daemon {

namespace {

Result<std::string, ConfigurationErrors> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text;
    if (file) {
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    if (!file || file.bad()) {
        const std::string reason = std::generic_category().message(errno);
        return Unexpected{
            ConfigurationErrors{{"Can't read file " + path + ": " + reason}, kExitConfiguration}};
    }
    return text;
}

std::optional<config::IpAddress> to_address(const sockaddr* from) {
    config::IpAddress address;
    if (from != nullptr && from->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, from, sizeof v4);
        address.family = config::IpAddress::Family::kV4;
        std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
        return address;
    }
    if (from != nullptr && from->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, from, sizeof v6);
        address.family = config::IpAddress::Family::kV6;
        std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        return address;
    }
    return std::nullopt;
}

std::vector<config::HostInterface> local_interfaces() {
    std::vector<config::HostInterface> found;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return found;
    }
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const auto address = to_address(entry->ifa_addr);
        if (!address) {
            continue;
        }
        config::HostInterface interface;
        interface.name = entry->ifa_name;
        interface.address = *address;
        interface.up = (entry->ifa_flags & IFF_UP) != 0;
        if (const auto mask = to_address(entry->ifa_netmask)) {
            for (const std::uint8_t byte : mask->bytes) {
                interface.prefix += static_cast<unsigned>(std::popcount(byte));
            }
        }
        found.push_back(std::move(interface));
    }
    ::freeifaddrs(list);
    return found;
}

std::vector<config::IpAddress> look_up(const std::string& name) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    std::vector<config::IpAddress> found;
    if (::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) {
        return found;
    }
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        const auto address = to_address(entry->ai_addr);
        if (address && std::ranges::find(found, *address) == found.end()) {
            found.push_back(*address);
        }
    }
    ::freeaddrinfo(list);
    return found;
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

config::HostFacts host_facts(const config::ClusterConfig& cluster) {
    const config::Lookups wanted = config::lookups(cluster);
    config::HostFacts facts;
    facts.hostname = host_name();
    facts.interfaces = local_interfaces();
    for (const std::string& name : wanted.names) {
        facts.resolved[name] = look_up(name);
    }
    std::array<char, 4096> room{};
    for (const std::string& name : wanted.users) {
        passwd entry{};
        passwd* found = nullptr;
        if (::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found) == 0 && found) {
            facts.users[name] = entry.pw_uid;
        }
    }
    for (const std::string& name : wanted.groups) {
        struct ::group entry {};
        struct ::group* found = nullptr;
        if (::getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found) == 0 && found) {
            facts.groups[name] = entry.gr_gid;
        }
    }
    return facts;
}

void add_uidgid_files(const std::string& path, config::LoadResult& loaded) {
    const std::filesystem::path directory = std::filesystem::path(path).parent_path() / "uidgid.d";
    std::error_code ignored;
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator at(directory, ignored), end; at != end;
         at.increment(ignored)) {
        if (at->is_regular_file(ignored)) {
            files.push_back(at->path());
        }
    }
    std::ranges::sort(files);
    for (const auto& file : files) {
        auto text = read_file(file.string());
        if (!text) {
            continue;
        }
        auto parsed = config::parse_uidgid(*text, file.string());
        std::ranges::move(parsed.problems, std::back_inserter(loaded.problems));
        for (auto* config : {&loaded.config, &loaded.draft}) {
            if (*config) {
                std::ranges::copy(parsed.uidgid, std::back_inserter((*config)->uidgid));
            }
        }
    }
}

}  // namespace

Result<Configuration, ConfigurationErrors> load_configuration(const std::string& path,
                                                              NodeId local_node) {
    auto text = read_file(path);
    if (!text) {
        return Unexpected{text.error()};
    }
    config::LoadResult loaded = config::parse(*text, path);
    add_uidgid_files(path, loaded);
    const auto& readable = loaded.config ? loaded.config : loaded.draft;
    config::HostFacts facts = readable ? host_facts(*readable) : config::HostFacts{};

    config::ResolveOptions options;
    options.seal_bytes = net::kSealBytes;
    options.local_node = local_node;
    config::Verdict verdict = config::examine(std::move(loaded), facts, options);
    if (!verdict.config || !verdict.resolved) {
        ConfigurationErrors errors;
        errors.exit_code = config::exit_code(verdict.problems);
        for (const config::Problem& problem : verdict.problems) {
            errors.lines.push_back(config::to_string(problem));
        }
        return Unexpected{std::move(errors)};
    }
    Configuration configuration{
        std::move(*verdict.config), std::move(*verdict.resolved), std::move(facts), options, {}};
    for (const config::Warning& warning : verdict.warnings) {
        configuration.warnings.push_back(config::to_string(warning));
    }
    return configuration;
}

Result<net::ClusterKey, std::string> cluster_key(const config::TotemConfig& totem,
                                                 const std::string& default_file) {
    if (totem.keyfile.empty() && !totem.key.empty()) {
        return net::ClusterKey(std::as_bytes(std::span(totem.key)), totem.cluster_name);
    }
    auto material = net::load_key_file(totem.keyfile.empty() ? default_file : totem.keyfile);
    if (!material) {
        return Unexpected{material.error().text};
    }
    return net::ClusterKey(std::as_const(*material).bytes(), totem.cluster_name);
}

Result<Reloaded, ConfigurationErrors> reload_configuration(const Configuration& running,
                                                           const ConfigurationSource& source) {
    auto wanted = load_configuration(source.path, source.local_node);
    if (!wanted) {
        return Unexpected{wanted.error()};
    }
    config::ReloadPlan plan = config::plan_reload({running.cluster, running.resolved},
                                                  wanted->cluster, wanted->facts, wanted->options);
    if (!plan.errors.empty()) {
        return Unexpected{ConfigurationErrors{std::move(plan.errors), kExitConfiguration}};
    }
    Reloaded reloaded{std::move(*wanted), std::nullopt, std::move(plan.notices)};
    reloaded.configuration.cluster = std::move(plan.next.cluster);
    reloaded.configuration.resolved = std::move(plan.next.resolved);
    if (reloaded.configuration.resolved.secauth) {
        auto key = cluster_key(reloaded.configuration.cluster.totem, source.key_path);
        if (!key) {
            return Unexpected{ConfigurationErrors{{key.error()}, kExitConfiguration}};
        }
        reloaded.key = std::move(*key);
    }
    return reloaded;
}

}  // namespace totem::daemon
