#include "totem/config/dialect.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "totem/config/schema.h"

namespace totem::config {

namespace {

constexpr std::array<std::string_view, 10> kOnlyIn3{
    "totem.link_mode",           "totem.knet_mtu",
    "totem.knet_pmtud_interval", "totem.knet_compression_model",
    "totem.crypto_model",        "totem.token_warning",
    "system.qb_ipc_type",        "totem.knet_compression_threshold",
    "logging.blackbox",          "totem.knet_compression_level",
};

constexpr std::array<std::string_view, 8> kOnlyIn24{
    "totem.rrp_mode",
    "totem.rrp_problem_count_timeout",
    "totem.rrp_problem_count_threshold",
    "totem.rrp_problem_count_mcast_threshold",
    "totem.rrp_token_expired_timeout",
    "totem.rrp_autorecovery_check_timeout",
    "totem.crypto_type",
    "qb.ipc_type",
};

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) {
        text += (text.empty() ? "" : ", ") + name;
    }
    return text;
}

bool any_interface_has(const FlatConfig& flat, std::string_view name) {
    return std::any_of(flat.interfaces.begin(), flat.interfaces.end(), [&](const auto& section) {
        return flat.has("totem.interface." + std::to_string(section.number) + '.' +
                        std::string{name});
    });
}

// "; seen: ringnumber, rrp_mode, as in files of corosync 2.4"
std::string seen(const Traits& traits) {
    std::string text;
    if (!traits.corosync24.empty()) {
        text += "; seen: " + joined(traits.corosync24) + ", as in files of corosync 2.4";
    }
    if (!traits.corosync3.empty()) {
        text += "; seen: " + joined(traits.corosync3) + ", as in files of corosync 3.1";
    }
    return text;
}

bool certainly_3(const Traits& traits) {
    return !traits.corosync3.empty() && traits.corosync24.empty() && !traits.refused_by_3;
}

// What crypto_cipher and crypto_hash ask for, when they are there.
struct Crypto {
    const Key* cipher;
    const Key* hash;
    bool on;        // one of them is not none
    bool both_off;  // both are there and none
};

Crypto read_crypto(const FlatConfig& flat) {
    const auto* cipher = flat.find("totem.crypto_cipher");
    const auto* hash = flat.find("totem.crypto_hash");
    const auto is = [](const Key* key, bool none) {
        return key != nullptr && (key->text == "none") == none;
    };
    return {cipher, hash, is(cipher, false) || is(hash, false), is(cipher, true) && is(hash, true)};
}

void check_cipher_has_hash(const Crypto& crypto, bool hash_by_default, Report& report) {
    if (crypto.cipher == nullptr || crypto.cipher->text == "none") {
        return;
    }
    if (crypto.hash == nullptr ? !hash_by_default : crypto.hash->text == "none") {
        report.problem(Stage::kTotem, crypto.cipher->line,
                       "crypto_cipher requires crypto_hash with value other than none");
    }
}

void note_mapping(const Crypto& crypto, bool secauth, Report& report) {
    const auto* key = crypto.cipher != nullptr ? crypto.cipher : crypto.hash;
    const auto what = std::string{crypto.cipher != nullptr ? "crypto_cipher '" : "crypto_hash '"} +
                      key->text + '\'' +
                      (crypto.cipher != nullptr && crypto.hash != nullptr
                           ? " with crypto_hash '" + crypto.hash->text + '\''
                           : "");
    report.warning(
        key->line,
        what + (secauth ? " is taken as 'secauth: on': totemd seals whole frames with its "
                          "own authenticated cipher (libsodium)"
                        : " is taken as 'secauth: off'"));
}

bool decide_absent_secauth(const Traits& traits, Report& report) {
    if (certainly_3(traits)) {
        return false;
    }
    if (!traits.refused_by_3) {
        report.problem(Stage::kTotem, 0,
                       "secauth is not given, and it is not certain what the file means: off in "
                       "corosync 3.1, on in corosync 2.4. Add the line 'secauth: on' or "
                       "'secauth: off' to section totem" +
                           seen(traits));
    } else {
        report.warning(0, "secauth is not given: it is on, as in corosync 2.4, whose file this is");
    }
    return true;
}

}  // namespace

Traits find_traits(const FlatConfig& flat) {
    Traits traits;
    const auto add = [](std::vector<std::string>& names, std::string_view key) {
        names.emplace_back(key.starts_with("totem.") ? key.substr(6) : key);
    };
    for (const auto key : kOnlyIn3) {
        if (flat.has(key)) {
            add(traits.corosync3, key);
        }
    }
    if (flat.linknumber_line != 0) {
        add(traits.corosync3, "linknumber");
    }
    if (is_word("ipv4-6|ipv6-4", flat.text("totem.ip_version"))) {
        add(traits.corosync3, "ip_version");
    }
    if (flat.text("logging.timestamp") == "hires") {
        add(traits.corosync3, "logging.timestamp");
    }
    if (flat.ringnumber_line != 0) {
        add(traits.corosync24, "ringnumber");
    }
    for (const auto key : kOnlyIn24) {
        if (flat.has(key)) {
            add(traits.corosync24, key);
        }
    }
    traits.refused_by_3 = flat.nodes.empty() && !flat.interfaces.empty();
    return traits;
}

Dialect dialect_of(const Traits& traits) noexcept {
    return traits.refused_by_3 || (!traits.corosync24.empty() && traits.corosync3.empty())
               ? Dialect::kCorosync24
               : Dialect::kCorosync3;
}

Transport decide_transport(const FlatConfig& flat, const Traits& traits, Report& report) {
    if (const auto* key = flat.find("totem.transport")) {
        if (key->text == "knet") {
            report.problem(
                Stage::kTotem, key->line,
                "transport knet is not supported: a knet cluster cannot be joined. Write "
                "'transport: udpu' or 'transport: udp' on every node");
        }
        return key->text == "udp" ? Transport::kUdp : Transport::kUdpu;
    }
    if (flat.is_bad("totem.transport")) {
        return Transport::kUdpu;
    }
    // corosync 3.1 refuses a ttl without a transport line, too.
    if (traits.refused_by_3 || any_interface_has(flat, "ttl")) {
        return Transport::kUdp;
    }
    auto evidence = traits;
    if (any_interface_has(flat, "bindnetaddr")) {
        evidence.corosync24.emplace_back("bindnetaddr");
    }
    const bool old = !evidence.corosync24.empty() && evidence.corosync3.empty();
    report.problem(Stage::kTotem, 0,
                   std::string{"transport is not given, and it is not certain what the file means: "
                               "knet in corosync 3.1, which is not supported, udp in corosync 2.4. "
                               "Add the line "} +
                       (old ? "'transport: udp' or 'transport: udpu'"
                            : "'transport: udpu' or 'transport: udp'") +
                       " to section totem" + seen(evidence));
    return Transport::kUdpu;
}

bool decide_secauth(const FlatConfig& flat, const Traits& traits, Report& report) {
    const auto* secauth = flat.find("totem.secauth");
    const auto crypto = read_crypto(flat);
    const bool wanted = secauth != nullptr && secauth->text == "on";
    check_cipher_has_hash(crypto, wanted || traits.refused_by_3, report);
    if (secauth != nullptr && (wanted ? crypto.both_off : crypto.on)) {
        report.problem(Stage::kTotem, secauth->line,
                       "secauth is " + secauth->text +
                           (wanted ? ", but crypto_cipher and crypto_hash are none"
                                   : ", but crypto_cipher or crypto_hash is not none") +
                           ". Remove the lines that are not meant");
        return true;
    }
    if (crypto.on || crypto.both_off) {
        note_mapping(crypto, crypto.on, report);
        return crypto.on;
    }
    if (secauth != nullptr) {
        return wanted;
    }
    const bool refused = flat.is_bad("totem.secauth") || flat.is_bad("totem.crypto_cipher") ||
                         flat.is_bad("totem.crypto_hash");
    return refused || decide_absent_secauth(traits, report);
}

}  // namespace totem::config
