#include "sim/scenario/schema.h"

#include <array>

#include "dataplane/event.h"

namespace lapse::sim {
namespace {

using topology::Key;
using topology::Need;
using topology::Object;
using topology::Shape;

constexpr std::array<std::string_view, 2> kSwitch{"on", "off"};
constexpr std::array<std::string_view, 2> kTruth{"true", "false"};
constexpr auto kTrue = std::span(kTruth).first(1);
constexpr std::array<std::string_view, 3> kTimerSteps{"exact", "hz250", "hz1000"};
constexpr std::array<std::string_view, 2> kParties{"client", "server"};
constexpr std::array<std::string_view, 3> kCloses{"fin", "half", "rst"};
constexpr std::array<std::string_view, 2> kOnReset{"fail", "reconnect"};
constexpr std::array<std::string_view, 2> kOnStale{"fail", "retry_once"};
constexpr std::array<std::string_view, 2> kOnClientGone{"abandon", "go_on"};
constexpr std::array<std::string_view, 2> kSystems{"linux", "windows"};
constexpr std::array<std::string_view, 3> kTold{"nobody", "sender", "both"};
constexpr std::array<std::string_view, kEventKindCount> kEvents{
#define LAPSE_EVENT_KIND(name, text, code) text,
    LAPSE_EVENT_KINDS(LAPSE_EVENT_KIND)
#undef LAPSE_EVENT_KIND
};
constexpr std::string_view kFlowName = "the name that `as` gave it";
constexpr std::string_view kBytes = "a number of bytes";

constexpr Key choice(std::string_view name, std::string_view doc, std::string_view accepted,
                     std::span<const std::string_view> choices) {
  return {name, Shape::kChoice, doc, accepted, Need::kOptional, nullptr, choices};
}
constexpr Key number(std::string_view name, std::string_view doc, std::string_view accepted, uint64_t least,
                     uint64_t most) {
  return {name, Shape::kCount, doc, accepted, Need::kOptional, nullptr, {}, least, most};
}
constexpr Key object(std::string_view name, std::string_view doc, std::string_view accepted, const Object& table) {
  return {name, Shape::kObject, doc, accepted, Need::kOptional, &table};
}

constexpr std::array<std::string_view, 2> kClocks{"jump", "real"};
constexpr std::array<Key, 4> kLiveKeys{{
    choice("clock", "what it does while no kernel is busy", "jump or real", kClocks),
    number("scale", "how much faster boxes and keepalives are than the kernels", "1 to 1000", 1, 1000),
    {"until", Shape::kDuration, "the part that is played live: to this time", "a duration like 370s"},
    {"no", Shape::kText, "why it is not played live", "a reason"},
}};

constexpr std::array<Key, 9> kScenarioKeys{{
    {"scenario", Shape::kText, "what the story is called", "a name like S3.1", Need::kRequired},
    {"title", Shape::kText, "the story in one sentence", "a sentence"},
    {"topology", Shape::kText, "where it happens: a file, seen from this one's folder",
     "a path like ../nat-gateway.yaml", Need::kRequired},
    {"set", Shape::kTextList, "what is different in this story's topology",
     "a list of PATH=VALUE like app.sysctls.net.ipv4.tcp_keepalive_time=45"},
    choice("timer_step", "how late the hosts' kernels fire their timers", "one of exact, hz250, hz1000", kTimerSteps),
    object("live", "how `--live` plays it", "a map: {scale: 10}, {clock: real}, {until: 370s} or {no: \"why not\"}",
           kLiveObject),
    {"steps", Shape::kObjectList, "what happens, and when",
     "a list: [{at: 0s, host: app, connect: \"api:80\", as: c1}]", Need::kRequired, &kStepObject},
    {"expect", Shape::kObjectList, "what has to come of it", "a list: [{at: 350s, box: natgw, event: flow_expired}]",
     Need::kRequired, &kExpectationObject},
    {"must_fail_with", Shape::kObjectList, "changes each of which alone breaks an expectation",
     "a list: [{set: natgw.late_packet=drop}]", Need::kOptional, &kChangeObject},
}};

constexpr std::array<Key, 29> kStepKeys{{
    {"at", Shape::kDuration, "the time of the step", "a duration like 350s", Need::kRequired},
    {"host", Shape::kName, "who does it", "the name of a host"},
    {"flow", Shape::kText, "on which connection", kFlowName},
    {"as", Shape::kText, "what the connection is called from here on", "a name like c1"},
    {"connect", Shape::kText, "opens a TCP connection", "NAME:PORT like \"api:8080\""},
    {"datagram", Shape::kText, "sends a UDP datagram from a fresh port", "NAME:PORT like \"api:53\""},
    {"pool", Shape::kText, "starts a client that keeps its connections; it opens one when a request finds none idle",
     "NAME:PORT like \"api:8080\""},
    number("proxy", "starts a program that serves this port with answers it gets from `upstream`", "a port: 1 to 65535",
           1, 65535),
    {"upstream", Shape::kText, "whom a proxy asks", "NAME:PORT like \"api:8080\""},
    {"discard_after", Shape::kDuration, "closes a kept connection that has been idle for so long",
     "a duration like 60s"},
    choice("on_stale", "what is done about a request that finds its kept connection dead", "fail or retry_once",
           kOnStale),
    choice("on_client_gone", "what a proxy does about its own request when its client leaves", "abandon or go_on",
           kOnClientGone),
    object("keepalive", "SO_KEEPALIVE of the client", "a map: {time: 60s, interval: 10s, probes: 3}", kKeepaliveObject),
    object("server_keepalive", "SO_KEEPALIVE of the server", "a map: {time: 60s, interval: 10s, probes: 3}",
           kKeepaliveObject),
    {"user_timeout", Shape::kDuration, "TCP_USER_TIMEOUT of the client", "a duration like 30s"},
    {"idle_timeout", Shape::kDuration, "after so much silence the client closes; of a proxy: between requests",
     "a duration like 60s"},
    {"server_idle_timeout", Shape::kDuration, "after so much silence the server closes", "a duration like 60s"},
    choice("on_reset", "what the client does about a reset", "fail or reconnect", kOnReset),
    number("request", "bytes that the client sends for an answer", kBytes, 1, uint64_t{1} << 40),
    number("response", "bytes that the server answers with", kBytes, 0, uint64_t{1} << 40),
    {"after", Shape::kDuration, "how long the server works on the answer", "a duration like 363s"},
    {"timeout", Shape::kDuration, "how long the client waits for the answer; of a proxy: until it answers 504",
     "a duration like 60s"},
    number("send", "bytes that one end sends unasked", kBytes, 1, uint64_t{1} << 40),
    choice("end", "which end does it", "client or server", kParties),
    choice("close", "closes one end: fin both ways, half only for writing, rst at once", "one of fin, half, rst",
           kCloses),
    choice("vanish", "the host is gone from one moment to the next", "true", kTrue),
    {"readdress", Shape::kAddress, "the host's address from now on", "an IPv4 address"},
    choice("stop", "the story ends here", "true", kTrue),
    number("size", "bytes of a datagram's payload", "1 to 1400", 1, 1400),
}};

// What says what a step does.
constexpr std::array<std::string_view, 10> kActions{"connect", "pool",  "proxy",  "datagram",  "request",
                                                    "send",    "close", "vanish", "readdress", "stop"};

constexpr std::array<Key, 5> kKeepaliveKeys{{
    choice("system",
           "whose kernel: linux takes what is not said from the host's sysctls, windows is 7200s, 1s, 10 probes",
           "linux or windows", kSystems),
    {"time", Shape::kDuration, "silence before the first probe", "whole seconds like 60s"},
    {"interval", Shape::kDuration, "between probes", "whole seconds like 10s"},
    number("probes", "unanswered probes until the connection is given up", "1 to 127", 1, 127),
    choice("on", "off: no SO_KEEPALIVE after all", "on or off", kSwitch),
}};

constexpr std::array<Key, 8> kEventKeys{{
    choice("event", "what happens", "the name of an event", kEvents),
    {"box", Shape::kName, "in which box", "the name of a box"},
    {"flow", Shape::kText, "to which connection", kFlowName},
    choice("told", "who learns of it by a packet", "one of nobody, sender, both", kTold),
    choice("to", "which end spoke, and is answered", "client or server", kParties),
    number("equals", "how often, exactly", "a number", 0, UINT64_MAX),
    number("at_least", "how often, at least", "a number", 0, UINT64_MAX),
    number("at_most", "how often, at most", "a number", 0, UINT64_MAX),
}};

constexpr std::array<Key, 15> kExpectationKeys{{
    {"at", Shape::kText, "when", "a duration like 350s, or end"},
    object("never", "an event that does not happen", "a map: {event: rst_sent, to: client}", kEventObject),
    object("count", "an event that happens so often", "a map: {event: late_packet, at_least: 3}", kEventObject),
    {"host", Shape::kName, "the host whose socket is looked at", "the name of a host"},
    {"state", Shape::kText, "the state of a host's socket or a box's flow",
     "a state as ss prints it, or as the box has it, or none"},
    choice("end", "which end of the connection", "client or server", kParties),
    {"error", Shape::kText, "what the program got", "an errno like ECONNRESET, TIMEOUT for its own, or none"},
    number("received", "bytes that the program has got", kBytes, 0, UINT64_MAX),
    choice("waiting", "whether the program waits for an answer", "true or false", kTruth),
    number("status", "the newest answer's status, or that of a line of a proxy's log", "a status like 504", 100, 599),
    number("connections", "how many the program has opened until then", "a number", 0, UINT64_MAX),
    number("flows", "how many a box remembers", "a number", 0, UINT64_MAX),
    {"metric", Shape::kText, "the provider's name of a count or gauge of the box; with equals, at_least or at_most",
     "a name like IdleTimeoutCount"},
    {"log", Shape::kText, "a line in the access log of a proxy; with equals: so many",
     "the name that `as` gave the proxy"},
    {"took", Shape::kDuration, "how long the request of a line of a log took", "a duration like 1200s"},
}};

constexpr std::array<Key, 1> kChangeKeys{{
    {"set", Shape::kTextList, "the change", "PATH=VALUE like natgw.late_packet=drop", Need::kRequired},
}};

}  // namespace

constinit const Object kScenarioObject{"scenario", kScenarioKeys};
constinit const Object kLiveObject{"live", kLiveKeys};
constinit const Object kStepObject{.name = "step", .keys = kStepKeys, .alternatives = {.keys = kActions}};
constinit const Object kKeepaliveObject{"keepalive", kKeepaliveKeys};
constinit const Object kEventObject{"event", kEventKeys};
constinit const Object kExpectationObject{"expectation", kExpectationKeys, {}, &kEventObject};
constinit const Object kChangeObject{"change", kChangeKeys};

}  // namespace lapse::sim
