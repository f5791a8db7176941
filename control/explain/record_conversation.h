// record_conversation.h - one conversation of a record, in both directions.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     seconds of virtual time.
// Bytes:    none.
// Cost:     a pass over its entries.
// Lifetime: none.
// Spec:     record.h; what cannot be read throws as in record_text.h.
#pragma once

#include "nlohmann/json.hpp"

#include "control/story/conversation.h"

namespace lapse::explain {

nlohmann::json key_json(const story::FlowKey& key);
story::FlowKey key_of(const nlohmann::json& value);

nlohmann::json conversation_json(const story::Conversation& conversation);
story::Conversation conversation_of(const nlohmann::json& value);

}  // namespace lapse::explain
