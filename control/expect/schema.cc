#include "control/expect/schema.h"

#include <array>

#include "dataplane/event.h"

namespace lapse::expect {
namespace {

using topology::Key;
using topology::Need;
using topology::Shape;

constexpr std::array<std::string_view, 3> kTold{"nobody", "sender", "both"};
// Links and packets are no box's.
constexpr std::array<std::string_view, 9> kEvents{"flow_new",    "flow_established", "flow_closing",
                                                  "flow_closed", "flow_expired",     "late_packet",
                                                  "rst_sent",    "icmp_sent",        "rejected"};

constexpr Key kEvent{"event",         Shape::kChoice, "what happens", "the name of an event",
                     Need::kOptional, nullptr,        kEvents};
constexpr Key kBox{"box", Shape::kName, "in which box", "the name of a box"};
constexpr Key kWasTold{
    "told",  Shape::kChoice, "who learns of it by a packet", "one of nobody, sender, both", Need::kOptional,
    nullptr, kTold};
constexpr Key kTo{"to", Shape::kName, "the host that learns of it by a packet", "the name of a host"};
constexpr Key kEquals{"equals", Shape::kCount, "how many, exactly", "a number"};
constexpr Key kAtLeast{"at_least", Shape::kCount, "how many, at least", "a number"};
constexpr Key kAtMost{"at_most", Shape::kCount, "how many, at most", "a number"};

constexpr std::array<Key, 1> kFileKeys{{
    {"expect", Shape::kObjectList, "what has to come of the run",
     "a list: [{box: natgw, metric: IdleTimeoutCount, equals: 0}]", Need::kRequired, &kExpectationObject},
}};
constexpr std::array<Key, 4> kEventKeys{{kEvent, kBox, kWasTold, kTo}};
constexpr std::array<Key, 7> kCountKeys{{kEvent, kBox, kWasTold, kTo, kEquals, kAtLeast, kAtMost}};
constexpr std::array<Key, 11> kExpectationKeys{{
    kEvent,
    kBox,
    kWasTold,
    kTo,
    kEquals,
    kAtLeast,
    kAtMost,
    {"never", Shape::kObject, "an event that does not happen", "a map: {event: rst_sent, to: app}", Need::kOptional,
     &kEventObject},
    {"count", Shape::kObject, "an event that happens so often", "a map: {event: late_packet, at_least: 3}",
     Need::kOptional, &kCountObject},
    {"metric", Shape::kText, "the provider's metric of the box", "a name like IdleTimeoutCount"},
    {"flows", Shape::kCount, "how many flows the box remembers", "a number"},
}};

}  // namespace

constinit const topology::Object kFileObject{"file of expectations", kFileKeys};
constinit const topology::Object kEventObject{"event", kEventKeys};
constinit const topology::Object kCountObject{"count of events", kCountKeys};
constinit const topology::Object kExpectationObject{"expectation", kExpectationKeys};

}  // namespace lapse::expect
