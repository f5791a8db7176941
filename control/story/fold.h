// fold.h - many uneventful packets as one sum.
//
// Owner:    none; pure functions.
// Memory:   shrinks what it is given.
// Time:     a fold remembers its first and last packet.
// Bytes:    none.
// Cost:     one pass over the entries, amortised over those that it takes away.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <cstddef>
#include <vector>

#include "control/story/conversation.h"

namespace lapse::story {

// Silence that a picture names.
inline constexpr Duration kIdleGap = std::chrono::seconds(5);

// A packet that was carried on and neither opens, ends nor resets anything.
bool is_uneventful(const Entry& entry);

// Adds 'entry', a crossing or a fold, to the sum. A packet counts where its end put it on a link.
void add_to_fold(Entry& sum, const Entry& entry);

// Brings 'entries' well below 'limit': the beginning and the end stay as they are, the middle becomes sums. What is
// eventful stays as long as there is room for it.
void fold_middle(std::vector<Entry>& entries, size_t limit);

}  // namespace lapse::story
