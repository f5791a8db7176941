// What looks like a remedy and is none, as far as packets and settings show it.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

#include "control/explain/case.h"
#include "control/explain/words.h"
#include "control/lab/resolution.h"
#include "control/story/names.h"
#include "control/story/text.h"

namespace lapse::explain {

using story::Conversation;
using story::End;
using story::LateSpeech;
using story::Role;

namespace {

constexpr std::array kEnds{End::kOpener, End::kResponder};

// " It came after 365.9 s."
std::string what_became_of(const Case& found, End end) {
  const LateSpeech* const word = found.word(end);
  if (word == nullptr || word->role != Role::kKeepalive) {
    return "";
  }
  return absl::StrCat(" It came after ", story::about(word->time - found.silent_since), ".");
}

std::string too_late(const Case& found, const std::string& whose, Duration time, const std::string& why) {
  const bool equal = time == found.timeout;
  return absl::StrCat(whose, ": the first probe is due after ", in_seconds(time), " of silence", why, ", and ",
                      found.box->name, " forgets after ", in_seconds(found.timeout),
                      equal ? ": at the same moment, which is too late." : ".");
}

std::string too_close(const Case& found, const std::string& whose, Duration time) {
  const unsigned hertz = usual_hertz(found.run);
  const std::string warped =
      found.run.factor > 1 ? absl::StrCat(" at --warp ", found.run.factor) : absl::StrCat(" at ", hertz, " Hz");
  return absl::StrCat(whose, " of ", in_seconds(time), " is closer to ", found.box->name, "'s ",
                      in_seconds(found.timeout),
                      " than the kernel's timer step: a timer of that length may fire up to ",
                      lab::seconds_text(lab::uncertainty(time, found.run.factor, hertz)), " late", warped, ".");
}

bool decided(const Case& found, Duration time) {
  return lab::resolve(time, found.timeout, found.run.factor, usual_hertz(found.run)).decided();
}

Placebo sysctls_alone(const Case& found, const std::string& host, const std::string& what) {
  return {PlaceboKind::kSysctlsAlone, host,
          absl::StrCat(keepalive_sysctl_text(found.run, host), ", which would be soon enough for ", found.box->name,
                       "'s ", in_seconds(found.timeout), ". It is for sockets with SO_KEEPALIVE alone, and ", what)};
}

// Of an end whose program's settings are known.
std::optional<Placebo> known_keepalive(const Case& found, End end) {
  const EndFacts& facts = *found.facts(end);
  const KeepaliveFacts& keepalive = facts.keepalive;
  const std::string host = found.name(end);
  if (!keepalive.on) {
    const bool helps =
        sets_keepalive_sysctl(found.run, facts.host) && keepalive_sysctl(found.run, facts.host) < found.timeout;
    return helps ? std::optional(sysctls_alone(found, facts.host, "this socket has it off: no probe was sent."))
                 : std::nullopt;
  }
  const std::string whose = host + "'s keepalive";
  if (keepalive.time >= found.timeout) {
    const std::string why = keepalive.own_time  ? " (TCP_KEEPIDLE)"
                            : keepalive.windows ? " (the default of Windows)"
                                                : absl::StrCat(" (", keepalive_sysctl_text(found.run, facts.host), ")");
    return Placebo{PlaceboKind::kDueTooLate, host,
                   too_late(found, whose + " is on, and no help", keepalive.time, why) + what_became_of(found, end)};
  }
  if (!keepalive.windows && !decided(found, keepalive.time)) {
    return Placebo{PlaceboKind::kTimerStep, host, too_close(found, whose, keepalive.time) + what_became_of(found, end)};
  }
  return std::nullopt;
}

// What the socket options of warped programs tell about an end; its connection may be another one of that program.
std::optional<SocketOption> option_of(const Run& run, const std::string& host, std::string_view option) {
  const auto known = std::find_if(run.options.begin(), run.options.end(),
                                  [&](const SocketOption& one) { return one.host == host && one.option == option; });
  return known == run.options.end() ? std::nullopt : std::optional(*known);
}

// A probe that came, and came too late.
Placebo seen_too_late(const Case& found, End end, const LateSpeech& word) {
  const std::string host = found.name(end);
  const Duration silence = word.time - found.silent_since;
  const auto idle = option_of(found.run, host, "TCP_KEEPIDLE");
  if (idle && std::chrono::seconds(idle->value) < found.timeout) {
    const Duration asked = std::chrono::seconds(idle->value);
    return {PlaceboKind::kTimerStep, host,
            too_close(found, absl::StrCat("the keepalive of ", idle->program, " on ", host), asked) +
                what_became_of(found, end)};
  }
  const Duration step = lab::uncertainty(found.timeout, found.run.factor, usual_hertz(found.run));
  if (!idle && silence - found.timeout <= step) {
    return {PlaceboKind::kTimerStep, host,
            absl::StrCat(host, "'s first probe came after ", story::about(silence), " of silence, ",
                         story::about(silence - found.timeout), " too late. The kernel's timer may be up to ",
                         lab::seconds_text(step), " late there, so it may have been asked for a time just below ",
                         in_seconds(found.timeout), ".")};
  }
  return {PlaceboKind::kDueTooLate, host,
          absl::StrCat(host, "'s keepalive is on, and no help: its first probe came after ", story::about(silence),
                       " of silence, and ", found.box->name, " forgets after ", in_seconds(found.timeout), ".")};
}

// Of an end of which packets are all that is known.
std::optional<Placebo> seen_keepalive(const Case& found, End end) {
  const std::string host = found.name(end);
  if (const LateSpeech* const word = found.word(end); word != nullptr && word->role == Role::kKeepalive) {
    return seen_too_late(found, end, *word);
  }
  if (found.probes[story::index(end)].sent > 0 || found.run.host(host) == nullptr) {
    return std::nullopt;
  }
  const Duration sysctl = keepalive_sysctl(found.run, host);
  const auto on = option_of(found.run, host, "SO_KEEPALIVE");
  if (on && !option_of(found.run, host, "TCP_KEEPIDLE") && sysctl >= found.timeout) {
    return Placebo{PlaceboKind::kDueTooLate, host,
                   too_late(found, absl::StrCat(on->program, " on ", host, " asked for SO_KEEPALIVE, which is no help"),
                            sysctl, absl::StrCat(" (", keepalive_sysctl_text(found.run, host), ")")) +
                       " No probe was seen."};
  }
  if (!on && sets_keepalive_sysctl(found.run, host) && sysctl < found.timeout) {
    return sysctls_alone(found, host, "no probe was seen: this socket did not have it.");
  }
  return std::nullopt;
}

// ---- another leg ----

bool crosses(const Run& run, const ConnectionFacts& connection, BoxId box) {
  return std::any_of(run.conversations.begin(), run.conversations.end(), [&](const Conversation& conversation) {
    return run.connection_of(conversation) == &connection && conversation.box(box) != nullptr;
  });
}

// Connections that hang together by the hosts that they end at.
std::vector<const ConnectionFacts*> chain_of(const Run& run, const ConnectionFacts& start) {
  std::set<std::string> hosts{start.ends[0].host, start.ends[1].host};
  std::vector<const ConnectionFacts*> chain;
  for (bool grown = true; grown;) {
    grown = false;
    for (const ConnectionFacts& other : run.connections) {
      const bool known = std::find(chain.begin(), chain.end(), &other) != chain.end();
      if (!known && &other != &start && (hosts.contains(other.ends[0].host) || hosts.contains(other.ends[1].host))) {
        hosts.insert({other.ends[0].host, other.ends[1].host});
        chain.push_back(&other);
        grown = true;
      }
    }
  }
  return chain;
}

std::string other_leg_text(const Case& found, const std::string& which, Duration time) {
  return absl::StrCat(
      "Keepalive", time == Duration{} ? "" : absl::StrCat(" of ", in_seconds(time)), " is on for another connection, ",
      which, ", which does not cross ", found.box->name,
      ": a probe keeps alive what it travels through, and nothing of it goes on behind the program that "
      "takes it.");
}

void add_other_legs(const Case& found, std::vector<Placebo>& placebos) {
  const BoxId box = found.forgotten->box;
  if (found.program != nullptr) {
    for (const ConnectionFacts* other : chain_of(found.run, *found.program)) {
      if (crosses(found.run, *other, box)) {
        continue;
      }
      for (const EndFacts& end : other->ends) {
        if (end.keepalive.on && end.keepalive.time < found.timeout) {
          const std::string which =
              absl::StrCat(other->name, " (", other->ends[0].host, " > ", other->ends[1].host, ")");
          placebos.push_back({PlaceboKind::kOtherLeg, end.host, other_leg_text(found, which, end.keepalive.time)});
        }
      }
    }
    return;
  }
  for (const Conversation& other : found.run.conversations) {
    for (const End end : kEnds) {
      const std::string who = story::end_name(other, end, found.run.directory);
      const bool shares = std::any_of(kEnds.begin(), kEnds.end(), [&](End mine) {
        const std::string name = found.name(mine);
        return name == who || name == story::end_name(other, story::other(end), found.run.directory);
      });
      if (other.id != found.conversation.id && shares && other.box(box) == nullptr && probes_of(other, end).sent > 0) {
        placebos.push_back({PlaceboKind::kOtherLeg, who,
                            other_leg_text(found, story::tuple_name(other.tuple, found.run.directory), Duration{})});
      }
    }
  }
}

// ---- no answer ----

std::string not_answered(const Case& found, End end) {
  const Probes& probes = found.probes[story::index(end)];
  const std::string who = found.name(end);
  const std::string whom = found.name(story::other(end));
  std::string text = absl::StrCat(who, " sent ", story::counted(probes.unanswered, "keepalive probe"), " (",
                                  probes.unanswered == 1 ? "at " : "the first at ",
                                  moment(probes.times[probes.times.size() - probes.unanswered], found.conversation),
                                  ") and had no answer; then it gave up.");
  if (probes.lost + probes.answers_lost > 0) {
    absl::StrAppend(&text, " ", story::link_name(probes.lost_on, found.run.directory), " lost ",
                    story::counted(probes.lost, "probe"), " and ", story::counted(probes.answers_lost, "answer"),
                    " of these: ", whom, " is alive, and a probe is sent once, so so few of them prove nothing.");
  } else {
    absl::StrAppend(&text, probes.undelivered > 0 ? " Nobody took them off the last link: " : " They got there: ", whom,
                    " is gone, or does not answer any more. Keepalive has found that out, and cannot "
                    "prevent it.");
  }
  return text;
}

}  // namespace

std::string_view name(PlaceboKind kind) {
  switch (kind) {
    case PlaceboKind::kDueTooLate:
      return "due_too_late";
    case PlaceboKind::kSysctlsAlone:
      return "sysctls_alone";
    case PlaceboKind::kOtherLeg:
      return "other_leg";
    case PlaceboKind::kTimerStep:
      return "timer_step";
    case PlaceboKind::kNotAnswered:
      return "not_answered";
  }
  return "";
}

std::vector<Placebo> placebos(const Case& found) {
  std::vector<Placebo> all;
  if (!found.conversation.is_tcp()) {
    return all;
  }
  for (const End end : kEnds) {
    if (found.forgotten != nullptr && found.box != nullptr && !found.gave_up_first(end)) {
      auto one = found.facts(end) != nullptr ? known_keepalive(found, end) : seen_keepalive(found, end);
      if (one) {
        all.push_back(*std::move(one));
      }
    }
    if (found.found_peer_dead(end)) {
      all.push_back({PlaceboKind::kNotAnswered, found.name(end), not_answered(found, end)});
    }
  }
  if (found.forgotten != nullptr && found.box != nullptr) {
    add_other_legs(found, all);
  }
  return all;
}

}  // namespace lapse::explain
