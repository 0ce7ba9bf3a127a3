#include "totem/daemon/configuration.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "totem/config/examine.h"
#include "totem/config/load.h"
#include "totem/config/reload.h"
#include "totem/daemon/exit_codes.h"
#include "totem/host/facts.h"
#include "totem/net/packet_seal.h"
#include "totem/process/read_file.h"

namespace totem::daemon {

namespace {

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
        const auto text = process::read_file(file.string());
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
    const auto text = process::read_file(path);
    if (!text) {
        const std::string reason = std::generic_category().message(text.error());
        return Unexpected{
            ConfigurationErrors{{"Can't read file " + path + ": " + reason}, kExitConfiguration}};
    }
    config::LoadResult loaded = config::parse(*text, path);
    add_uidgid_files(path, loaded);
    const auto& readable = loaded.config ? loaded.config : loaded.draft;
    config::HostFacts facts = readable ? host::facts_for(*readable) : config::HostFacts{};

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
