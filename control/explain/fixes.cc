// What would help: with numbers that were computed, and, for stories, as settings that can be tried.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/explain/case.h"
#include "control/explain/words.h"
#include "control/lab/resolution.h"
#include "control/story/text.h"
#include "control/topology/values.h"

namespace lapse::explain {

using std::chrono::seconds;
using story::End;

namespace {

std::string set_to(const std::string& path, Duration value) {
  return absl::StrCat(path, "=", topology::duration_text(value));
}

bool has_placebo(const std::vector<Placebo>& placebos, PlaceboKind kind, const std::string& who) {
  return std::any_of(placebos.begin(), placebos.end(),
                     [&](const Placebo& one) { return one.kind == kind && one.who == who; });
}

std::string names_of_options(const Case& found, const KeepaliveAdvice& advice) {
  const EndFacts* const facts = found.facts(End::kOpener);
  if (facts != nullptr && facts->keepalive.windows) {
    return absl::StrCat("SIO_KEEPALIVE_VALS with a keepalivetime of ", in_seconds(advice.time));
  }
  return absl::StrCat("setsockopt SO_KEEPALIVE, and TCP_KEEPIDLE ", advice.time / seconds(1), " (or ",
                      "net.ipv4.tcp_keepalive_time=", advice.time / seconds(1), " on ", found.name(End::kOpener),
                      ", which counts where TCP_KEEPIDLE is not set)");
}

// The sysctls are good; what is missing is the option that makes them count.
Fix switch_on(const Case& found) {
  const std::string who = found.name(End::kOpener);
  Fix fix{.text = absl::StrCat("Turn keepalive on for this socket: setsockopt SO_KEEPALIVE on ", who, "; the ",
                               in_seconds(keepalive_sysctl(found.run, who)), " of its sysctl count then.")};
  if (found.program != nullptr && !found.program->step.empty()) {
    fix.settings = {absl::StrCat(found.program->step, ".keepalive={}")};
  }
  return fix;
}

std::optional<Fix> keepalive(const Case& found) {
  const auto advice = keepalive_advice(found.timeout, usual_hertz(found.run));
  if (!advice) {
    return std::nullopt;
  }
  Fix fix{.text = absl::StrCat("Keepalive on ", found.name(End::kOpener), ", on the connection that crosses ",
                               found.box->name, ": ", names_of_options(found, *advice), ". At most ",
                               in_seconds(advice->most), " is safe: ", in_seconds(found.timeout), " less the ",
                               lab::seconds_text(advice->step), " that a kernel's timer of that length may be late at ",
                               usual_hertz(found.run), " Hz; ", in_seconds(advice->time),
                               " leaves time for a probe that gets lost.")};
  if (found.program != nullptr && !found.program->step.empty()) {
    fix.settings = {set_to(found.program->step + ".keepalive.time", advice->time)};
    if (found.gave_up_first(End::kOpener)) {
      const Duration patience = found.program->answer_after + seconds(60);
      fix.text = absl::StrCat("Wait for longer than the answer takes, ", in_seconds(found.program->answer_after),
                              ", and keep the connection alive meanwhile. ", fix.text);
      fix.settings.push_back(set_to(found.program->request_step + ".timeout", patience));
    }
  }
  return fix;
}

// How long somebody was silent before speaking again; zero: nobody has spoken.
Duration needed_silence(const Case& found) {
  Duration longest{};
  for (const story::LateSpeech& word : found.words) {
    if (word.role != story::Role::kKeepalive) {
      longest = std::max(longest, word.time - found.silent_since);
    }
  }
  if (found.program != nullptr && found.program->ends[0].waiting) {
    longest = std::max(longest, found.program->answer_after);
  }
  return longest;
}

std::optional<Fix> longer_timeout(const Case& found) {
  const TimeoutFacts& timeout = found.box->timeouts[static_cast<size_t>(found.forgotten->timeout_class)];
  const Duration silence = needed_silence(found);
  if (timeout.fixed() || silence == Duration{}) {
    return std::nullopt;
  }
  constexpr seconds kRoom{10};
  const Duration enough = (silence / kRoom + 1) * kRoom;
  const std::string key = absl::StrCat("timeouts.", std::string(name(found.forgotten->timeout_class)));
  const bool provider_says_less = timeout.provider_most < enough;
  if (provider_says_less && timeout.origin.by == SetBy::kDefault) {
    return std::nullopt;
  }
  std::string text = absl::StrCat("Raise ", key, " of ", found.box->name, " above the ", story::about(silence),
                                  " of silence, as to ", in_seconds(enough));
  absl::StrAppend(&text,
                  provider_says_less ? absl::StrCat(", where it is yours to choose: the provider's own ",
                                                    found.box->kind, " has ", in_seconds(timeout.provider_most))
                  : timeout.origin.confidence == "inferred"
                      ? ", where it is yours to choose: no provider has published this one"
                      : "",
                  ".");
  Fix fix{.text = std::move(text), .keeps_flow = false};
  if (found.program != nullptr) {
    fix.settings = {set_to(absl::StrCat(found.box->name, ".", key), enough)};
    if (provider_says_less) {
      fix.settings.push_back(found.box->name + ".limits=off");
    }
  }
  return fix;
}

bool was_answered_with_reset(const Case& found, End end) {
  const story::LateSpeech* const word = found.word(end);
  return word != nullptr && word->reason == DropReason::kAnswered;
}

// What a program that keeps connections can do about idle ones.
void add_pool_fixes(const Case& found, std::vector<Fix>& all) {
  if (found.program == nullptr ||
      (found.program->kind != ConnectionKind::kPool && found.program->kind != ConnectionKind::kProxy)) {
    return;
  }
  const std::string& step = found.program->step;
  const auto advice = keepalive_advice(found.timeout, usual_hertz(found.run));
  if (advice && was_answered_with_reset(found, End::kOpener)) {
    all.push_back({.text = absl::StrCat("Let the pool on ", found.name(End::kOpener), " close idle connections before ",
                                        found.box->name, " forgets them: ", "an idle timeout below ",
                                        in_seconds(found.timeout), ", as ", in_seconds(advice->most), "."),
                   .settings = {set_to(step + ".discard_after", advice->most)}});
    all.push_back({.text = "Send a request once more, on a fresh connection, when one that was used before turns out "
                           "dead: where it may be sent twice.",
                   .settings = {step + ".on_stale=retry_once"},
                   .keeps_flow = false});
  }
}

void add_reconnect(const Case& found, std::vector<Fix>& all) {
  if (!found.conversation.is_tcp() || !was_answered_with_reset(found, End::kOpener)) {
    return;
  }
  if (found.program != nullptr && found.program->kind != ConnectionKind::kConnection) {
    return;
  }
  Fix fix{.text = absl::StrCat("Or live with it: on ECONNRESET, ", found.name(End::kOpener),
                               " connects again and asks once more, where it may be asked twice."),
          .keeps_flow = false};
  if (found.program != nullptr && !found.program->step.empty()) {
    fix.settings = {found.program->step + ".on_reset=reconnect"};
  }
  all.push_back(std::move(fix));
}

void add_words(const Case& found, std::vector<Fix>& all) {
  const bool tcp = found.conversation.is_tcp();
  if (!tcp) {
    const auto advice = keepalive_advice(found.timeout, usual_hertz(found.run));
    all.push_back({.text = absl::StrCat("Datagrams have no keepalive in any kernel: ", found.name(End::kOpener),
                                        " has to send one itself at least every ",
                                        in_seconds(advice ? advice->time : found.timeout / 2),
                                        " while it waits, or ask again after its own timeout.")});
  }
  if (found.word(End::kResponder) != nullptr && found.word(End::kResponder)->payload > 0) {
    all.push_back({.text = absl::StrCat("Or do not be silent for so long: answer within ", in_seconds(found.timeout),
                                        ", by a request that returns at once and a result to poll for.")});
  }
  const EndFacts* const client = found.facts(End::kOpener);
  if (tcp && client != nullptr && client->waiting && client->patience == Duration{}) {
    all.push_back({.text = absl::StrCat("In any case a timeout of its own for ", found.name(End::kOpener),
                                        "'s request: without one it hangs for ever, whatever is to blame.")});
  }
}

// Of probes that nobody answered.
void add_more_probes(const Case& found, std::vector<Fix>& all) {
  for (const End end : {End::kOpener, End::kResponder}) {
    const Probes& probes = found.probes[story::index(end)];
    if (!found.found_peer_dead(end)) {
      continue;
    }
    if (probes.lost + probes.answers_lost == 0) {
      all.push_back({.text = absl::StrCat("Look at ", found.name(story::other(end)),
                                          ": it stopped answering, and no box has to do with it.")});
      continue;
    }
    const uint64_t more = std::max<uint64_t>(9, 3 * probes.unanswered);
    Fix fix{.text = absl::StrCat("More probes before giving up: TCP_KEEPCNT (net.ipv4.tcp_keepalive_probes) ", more,
                                 " on ", found.name(end), ", so that all of them get lost only on a dead path.")};
    if (found.program != nullptr && !found.program->step.empty()) {
      fix.settings = {absl::StrCat(found.program->step, end == End::kOpener ? "" : ".server_keepalive",
                                   end == End::kOpener ? ".keepalive" : "", ".probes=", more)};
    }
    all.push_back(std::move(fix));
  }
}

}  // namespace

std::vector<Fix> fixes(const Case& found, const std::vector<Placebo>& placebos) {
  std::vector<Fix> all;
  add_more_probes(found, all);
  if (found.forgotten == nullptr || found.box == nullptr) {
    return all;
  }
  if (found.conversation.is_tcp()) {
    if (has_placebo(placebos, PlaceboKind::kSysctlsAlone, found.name(End::kOpener))) {
      all.push_back(switch_on(found));
    } else if (auto fix = keepalive(found)) {
      all.push_back(*std::move(fix));
    }
  }
  if (auto fix = longer_timeout(found); fix && !found.gave_up_first(End::kOpener)) {
    all.push_back(*std::move(fix));
  }
  add_pool_fixes(found, all);
  add_reconnect(found, all);
  add_words(found, all);
  return all;
}

}  // namespace lapse::explain
