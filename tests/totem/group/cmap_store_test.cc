// The map itself against a model, and the rules for keys (ipc.md 11 and 12).
#include "totem/group/cmap_store.h"

#include <map>

#include "tests/totem/ipc/doors/fake_outbox.h"

namespace totem::group {
namespace {

using doors_test::Dice;

TEST(CmapStore, Keys) {
    EXPECT_TRUE(CmapStore::is_valid_key("a.b"));
    EXPECT_TRUE(CmapStore::is_valid_key("A9._-/:"));
    EXPECT_FALSE(CmapStore::is_valid_key("ab"));
    EXPECT_FALSE(CmapStore::is_valid_key("a b"));
    EXPECT_FALSE(CmapStore::is_valid_key("a\xC3\xA4."));
    EXPECT_FALSE(CmapStore::is_valid_key(std::string(256, 'a')));
    EXPECT_TRUE(CmapStore::is_read_only("nodelist.node.0.nodeid"));
    EXPECT_TRUE(CmapStore::is_read_only("totem.transport"));
    EXPECT_FALSE(CmapStore::is_read_only("totem.transport2"));
    EXPECT_FALSE(CmapStore::is_read_only("totem.token"));
    EXPECT_FALSE(CmapStore::is_read_only("runtime.members.1.status"));
}

// Keeps a copy of the map from the changes alone.
class Mirror final : public CmapTracker {
  public:
    void on_change(std::uint64_t id, const CmapChange& change) override {
        EXPECT_EQ(id, 9U);
        const std::string key(change.key);
        EXPECT_EQ(change.old_value != nullptr, copy.contains(key));
        if (change.old_value != nullptr) {
            EXPECT_EQ(*change.old_value, copy.at(key));
        }
        EXPECT_EQ(change.event, change.new_value == nullptr   ? CmapEvent::kDelete
                                : change.old_value == nullptr ? CmapEvent::kAdd
                                                              : CmapEvent::kModify);
        copy.erase(key);
        if (change.new_value != nullptr) {
            copy[key] = *change.new_value;
        }
    }
    std::map<std::string, CmapValue> copy;
};

TEST(CmapStore, ChangesToldAreChangesMade) {
    Dice dice(1);
    CmapStore store;
    Mirror mirror;
    store.track({"my.", kCmapTrackAll, 9}, mirror);
    std::map<std::string, CmapValue> model;
    for (int step = 0; step < 5000; ++step) {
        const std::string key = "my.key" + std::to_string(dice.below(20));
        switch (dice.below(4)) {
            case 0:
                model.erase(key);
                store.erase_internal(key);
                break;
            case 1: {
                const auto number = static_cast<std::int32_t>(dice.next());
                const auto known = model.find(key);
                const auto status = store.adjust(key, number);
                EXPECT_EQ(status == CmapStore::Status::kNoKey, known == model.end());
                if (known != model.end()) {
                    const auto old = StructReader(as_byte_span(known->second.bytes)).u32(0);
                    known->second = CmapValue::u32(old + static_cast<std::uint32_t>(number));
                }
                break;
            }
            default:
                model[key] = CmapValue::u32(static_cast<std::uint32_t>(dice.below(3)));
                EXPECT_EQ(store.set(key, model[key]), CmapStore::Status::kOk);
        }
        store.set_internal("other." + key, CmapValue::u8(1));
        EXPECT_EQ(mirror.copy, model);
    }
    store.erase_prefix_internal("my.");
    EXPECT_TRUE(mirror.copy.empty());
    EXPECT_FALSE(store.next("my.", std::nullopt));
    EXPECT_TRUE(store.next("other.", std::nullopt));
    store.untrack(mirror, 9);
    store.set_internal("my.key", CmapValue::u8(1));
    EXPECT_TRUE(mirror.copy.empty());
}

TEST(CmapStore, WalkIsInByteOrder) {
    CmapStore store;
    for (const char* key : {"b.x", "a.z", "a.B", "a.a", "a.\xFF"}) {
        store.set_internal(key, CmapValue::u8(1));
    }
    std::vector<std::string> seen;
    std::optional<std::string> last;
    while (const auto item = store.next("a.", last)) {
        last = std::string(item->key);
        seen.push_back(*last);
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"a.B", "a.a", "a.z", "a.\xFF"}));
}

}  // namespace
}  // namespace totem::group
