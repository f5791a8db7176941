#include "control/api/handlers.h"

#include <algorithm>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/api/answers.h"
#include "control/api/prometheus.h"
#include "control/api/request.h"
#include "control/api/to_json.h"
#include "control/explain/record.h"
#include "control/lab/resolution.h"
#include "control/report/living.h"
#include "control/report/report.h"
#include "control/story/names.h"
#include "control/story/report.h"
#include "control/story/text.h"

namespace lapse::api {
namespace {

using nlohmann::json;

constexpr size_t kLinesAtOnce = 1000;
constexpr size_t kMostLadders = 100;
constexpr auto kPatience = std::chrono::milliseconds(250);

constexpr std::string_view kPaths =
    "GET /metrics, GET /v1/status, GET /v1/metrics, GET /v1/flows, GET /v1/events, GET /v1/clock, POST /v1/clock, "
    "GET /v1/addresses, POST /v1/addresses, GET /v1/ladder, GET /v1/story, GET /v1/report, GET /v1/verdict, GET "
    "/v1/record";

const std::map<std::string, const char*> kReportTypes{{"svg", "image/svg+xml"},
                                                      {"html", "text/html; charset=utf-8"},
                                                      {"md", "text/markdown; charset=utf-8"},
                                                      {"pcapng", "application/octet-stream"}};

void answer_unknown_path(const httplib::Request& request, httplib::Response& response) {
  if (!response.body.empty()) {
    return;
  }
  const std::string what =
      response.status == 404
          ? absl::StrCat(request.method, " ", request.path, " does not exist; there are ", std::string(kPaths))
          : absl::StrCat("the request could not be served (HTTP ", response.status, ")");
  answer(response, {{"error", what}});
}

std::string box_names(const topology::Directory& directory) {
  return absl::StrJoin(directory.boxes, ", ", [](std::string* out, const auto& box) { out->append(box.name); });
}

// Empty: of every box.
std::string box_asked_for(Query& query, const topology::Directory& directory) {
  const auto& boxes = directory.boxes;
  std::string box = query.text("box", "");
  if (!box.empty() && std::none_of(boxes.begin(), boxes.end(), [&](const auto& known) { return known.name == box; })) {
    query.refuse("box", "one of " + box_names(directory));
  }
  return box;
}

story::LadderOptions ladder_options(Query& query) {
  return {.columns = query.number("columns", 100, story::kLeastColumns, story::kMostColumns),
          .colour = query.flag("colour")};
}

std::string lines(const std::vector<NumberedEvent>& events, const topology::Directory& directory, int64_t wall_start) {
  std::string text;
  for (const NumberedEvent& event : events) {
    text += event_json(event, directory, wall_start).dump() + "\n";
  }
  return text;
}

}  // namespace

void Handlers::install(httplib::Server& server) {
  const auto bind = [this](void (Handlers::*handler)(const Request&, Response&)) {
    return [this, handler](const Request& request, Response& response) { (this->*handler)(request, response); };
  };
  server.Get("/metrics", bind(&Handlers::prometheus));
  server.Get("/v1/status", bind(&Handlers::status));
  server.Get("/v1/metrics", bind(&Handlers::metrics));
  server.Get("/v1/flows", bind(&Handlers::flows));
  server.Get("/v1/events", bind(&Handlers::events));
  server.Get("/v1/clock", bind(&Handlers::show_clock));
  server.Post("/v1/clock", bind(&Handlers::move_clock));
  server.Get("/v1/addresses", bind(&Handlers::list_addresses));
  server.Post("/v1/addresses", bind(&Handlers::change_addresses));
  server.Get("/v1/ladder", bind(&Handlers::ladder));
  server.Get("/v1/story", bind(&Handlers::list_story));
  server.Get("/v1/report", bind(&Handlers::report));
  server.Get("/v1/verdict", bind(&Handlers::verdict));
  server.Get("/v1/record", bind(&Handlers::record));
  server.set_error_handler(answer_unknown_path);
  server.set_exception_handler([](const Request&, Response& response, const std::exception_ptr& raised) {
    std::string what = "unknown";
    try {
      std::rethrow_exception(raised);
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {
    }
    response.status = 500;
    answer(response, {{"error", "the request failed inside the instance: " + what}});
  });
}

void Handlers::status(const Request& request, Response& response) {
  const Query query(request, {});
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  json body = status_json(instance_.status(), directory());
  body["name"] = options_.name;
  body["topology"] = instance_.topology().name;
  body["hosts_warped"] = options_.hosts_warped;
  body["conversations_let_go"] = recorder_.forgotten();
  answer(response, body);
}

void Handlers::metrics(const Request& request, Response& response) {
  Query query(request, {"box"});
  const std::string box = box_asked_for(query, directory());
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  const InstanceStatus status = instance_.status();
  json boxes = json::array();
  for (const BoxStatus& one : status.boxes) {
    if (box.empty() || story::box_name(one.box, directory()) == box) {
      boxes.push_back(metrics_json(one, directory()));
    }
  }
  answer(response, {{"virtual_time", seconds(status.now.now.time_since_epoch())}, {"boxes", boxes}});
}

void Handlers::prometheus(const Request& request, Response& response) {
  const Query query(request, {});
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  response.set_content(prometheus_text(instance_.status(), directory(), instance_.topology().name),
                       std::string(kPrometheusType));
}

void Handlers::flows(const Request& request, Response& response) {
  Query query(request, {"box", "all"});
  const bool all = query.flag("all");
  const std::string box = box_asked_for(query, directory());
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  json list = json::array();
  for (const FlowView& view : instance_.flows(all)) {
    if (box.empty() || story::box_name(view.box, directory()) == box) {
      list.push_back(flow_json(view, directory()));
    }
  }
  answer(response, {{"virtual_time", seconds(instance_.now().now.time_since_epoch())}, {"flows", list}});
}

void Handlers::events(const Request& request, Response& response) {
  Query query(request, {"follow", "since", "packets"});
  const bool follows = query.flag("follow");
  const bool packets = query.flag("packets");
  const uint64_t since = query.number("since", 0, 0, UINT64_MAX);
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  if (follows) {
    follow(since, packets, response);
    return;
  }
  instance_.flush_events();
  const History::Slice slice = history_.after(since, packets, SIZE_MAX);
  response.set_content(lines(slice.events, directory(), wall_start_), "application/x-ndjson");
}

// Each follower holds a thread of the server, so there is a limit to them.
void Handlers::follow(uint64_t since, bool packets, Response& response) {
  if (followers_.fetch_add(1) >= options_.followers) {
    followers_.fetch_sub(1);
    refuse(response, absl::UnavailableError(absl::StrCat("there are ", options_.followers,
                                                         " followers of the events already; end one of them")));
    return;
  }
  const auto next = std::make_shared<uint64_t>(since);
  response.set_chunked_content_provider(
      "application/x-ndjson",
      [this, next, packets](size_t, httplib::DataSink& sink) { return write_new_events(*next, packets, sink); },
      [this](bool) { followers_.fetch_sub(1); });
}

bool Handlers::write_new_events(uint64_t& since, bool packets, httplib::DataSink& sink) {
  history_.wait(since, kPatience);
  const History::Slice slice = history_.after(since, packets, kLinesAtOnce);
  std::string text;
  if (slice.lost && since > 0) {
    text = json{{"kind", "lost"}, {"code", "EVENTS-LOST"}, {"after", since}}.dump() + "\n";
  }
  text += lines(slice.events, directory(), wall_start_);
  since = slice.until;
  if (!text.empty() && !sink.write(text.data(), text.size())) {
    return false;
  }
  if (history_.closed() && slice.events.empty()) {
    sink.done();
  }
  return sink.is_writable();
}

void Handlers::ladder(const Request& request, Response& response) {
  Query query(request, {"flow", "columns", "colour"});
  const story::LadderOptions options = ladder_options(query);
  const std::string reference = query.text("flow", "last");
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  instance_.flush_events();
  std::vector<story::Conversation> found = recorder_.find(reference);
  if (found.empty()) {
    refuse(response, absl::NotFoundError(absl::StrCat(
                         "flow: no conversation matches ", reference,
                         "; give a flow as natgw/17.3, an end as app:40000 or 40000, a number as #1, last or all")));
    return;
  }
  std::string text;
  const size_t first = found.size() > kMostLadders ? found.size() - kMostLadders : 0;
  for (size_t at = first; at < found.size(); ++at) {
    text += (at > first ? "\n" : "") + story::render_ladder(found[at], directory(), options);
  }
  answer_text(response, text);
}

void Handlers::list_story(const Request& request, Response& response) {
  Query query(request, {"flow"});
  const std::string reference = query.text("flow", "all");
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  instance_.flush_events();
  json list = json::array();
  for (const story::Conversation& conversation : recorder_.find(reference)) {
    list.push_back(story::to_json(conversation, directory()));
  }
  answer(response, {{"conversations", list}, {"let_go", recorder_.forgotten()}});
}

void Handlers::report(const Request& request, Response& response) {
  Query query(request, {"columns", "colour", "format", "command"});
  const story::LadderOptions options = ladder_options(query);
  const std::string format = query.text("format", "text");
  const std::string command = query.text("command", absl::StrCat("lapse lab ", options_.name));
  if (format != "text" && !kReportTypes.contains(format)) {
    query.refuse("format", "text, svg, html, md or pcapng");
  }
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  instance_.flush_events();
  if (format == "text") {
    answer_text(response, story::report(recorder_, directory(), options));
  } else {
    answer_report(format, command, response);
  }
}

void Handlers::answer_report(const std::string& format, const std::string& command, Response& response) {
  // Owned by the server, which outlives the request.
  const std::shared_ptr<const lapse::report::RunRecord> record(std::shared_ptr<void>(), &record_);
  lapse::report::ReportedRun run{
      .name = options_.name, .command = command, .record = record, .end = instance_.now().now};
  for (const FlowView& view : instance_.flows()) {
    run.living.push_back(lapse::report::living_flow(view.box, view.flow, run.end - view.idle, view.timeout));
  }
  std::string content;
  if (format == "svg") {
    content = lapse::report::svg_report(run);
  } else if (format == "html") {
    content = lapse::report::html_report({run});
  } else if (format == "md") {
    content = lapse::report::markdown_report(run);
  } else {
    content = lapse::report::pcapng_report(run);
  }
  response.set_content(content, kReportTypes.at(format));
}

void Handlers::verdict(const Request& request, Response& response) {
  const Query query(request, {});
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  instance_.flush_events();
  answer(response, story::verdict(recorder_, directory()).json);
}

// The whole run: which of its conversations is meant, and which others explain it, the reader sees.
void Handlers::record(const Request& request, Response& response) {
  Query query(request, {"command"});
  const std::string command = query.text("command", "");
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  instance_.flush_events();
  explain::Run run{.source = command.empty() ? explain::Source::kInstance : explain::Source::kLab,
                   .name = options_.name,
                   .command = command,
                   .end = instance_.now().now,
                   .hertz = lab::kernel_hertz(),
                   .factor = options_.hosts_warped ? static_cast<unsigned>(std::max(1.0, instance_.scale())) : 1};
  explain::add_topology(instance_.topology(), run);
  recorder_.visit([&run](const story::Conversation& story) { run.conversations.push_back(story); });
  run.let_go = recorder_.forgotten();
  for (const FlowView& view : instance_.flows()) {
    const story::FlowKey key{view.box, static_cast<uint32_t>(view.flow.id), view.flow.control.generation};
    const auto living = lapse::report::living_flow(view.box, view.flow, run.end - view.idle, view.timeout);
    run.held.push_back({key, living.state, living.last_seen, living.timeout, living.timeout_class});
  }
  answer(response, explain::to_json(run));
}

}  // namespace lapse::api
