#include "control/cli/ctl_commands.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "control/cli/ctl_print.h"
#include "control/story/ladder.h"
#include "control/story/text.h"
#include "httplib.h"

namespace lapse::cli {
namespace {

using nlohmann::json;

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

Duration duration(const json& seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds.get<double>()));
}

std::string about(const json& seconds) {
  return story::about(duration(seconds));
}
std::string count(const json& number) {
  return story::count_text(number.get<uint64_t>());
}

uint64_t sum_of(const json& numbers) {
  uint64_t sum = 0;
  for (const auto& [name, number] : numbers.items()) {
    sum += number.get<uint64_t>();
  }
  return sum;
}

// "LATE-DROP 3, TABLE-FULL 1".
std::string listed(const json& numbers) {
  std::string text;
  for (const auto& [name, number] : numbers.items()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", name, " ", count(number));
  }
  return text;
}

std::string clock_line(const json& clock) {
  return absl::StrCat("virtual time ", about(clock["virtual_time"]), ", ",
                      absl::StrFormat("%g", clock["scale"].get<double>()), " virtual seconds a second, up for ",
                      about(clock["uptime"]), clock["hosts_warped"].get<bool>() ? ", hosts warped" : "");
}

// "natgw: 203.0.113.10 (primary), 203.0.113.11 (draining, released in 12.3 s)", a line each.
std::string addresses_text(const json& boxes) {
  std::string text;
  for (const json& box : boxes) {
    std::string separator = ": ";
    text += box["box"].get<std::string>();
    for (const json& one : box["addresses"]) {
      absl::StrAppend(&text, separator, one["address"].get<std::string>());
      if (one["state"] == "draining") {
        absl::StrAppend(&text, " (draining, released in ", about(one["released_in"]), ")");
      } else if (one["primary"].get<bool>()) {
        text += " (primary)";
      }
      separator = ", ";
    }
    text += "\n";
  }
  return text;
}

std::string boxes_text(const json& boxes, const Screen& where) {
  Table table({{"BOX"},
               {"KIND"},
               {"FLOWS", Align::kRight},
               {"CAPACITY", Align::kRight},
               {"RECEIVED", Align::kRight},
               {"SENT", Align::kRight},
               {"ORIGINATED", Align::kRight},
               {"DROPPED", Align::kRight},
               {"HELD", Align::kRight},
               {"MEMORY", Align::kRight}});
  std::string details;
  for (const json& box : boxes) {
    const json& sum = box["conservation"];
    table.add({box["name"], box["kind"], count(box["flows"]), count(box["capacity"]), count(sum["received"]),
               count(sum["sent"]), count(sum["originated"]), count(sum["dropped"]), count(sum["held"]),
               story::bytes_text(box["memory_bytes"].get<uint64_t>())});
    for (const auto& [title, numbers] : {std::pair{"dropped", box["dropped"]}, std::pair{"events", box["events"]}}) {
      if (!numbers.empty()) {
        absl::StrAppend(&details, "  ", box["name"].get<std::string>(), " ", title, ": ", listed(numbers), "\n");
      }
    }
  }
  return table.text(where) + details;
}

// "delay 50 ms, loss 1%; seed 0123456789abcdef".
std::string impairments_text(const json& link) {
  std::string text;
  const auto add = [&text](const std::string& part) { absl::StrAppend(&text, text.empty() ? "" : ", ", part); };
  if (!link["mtu"].is_null()) {
    add(absl::StrCat("mtu ", link["mtu"].get<uint64_t>()));
  }
  for (const char* const key : {"delay", "jitter"}) {
    if (const double seconds = link[key]; seconds > 0) {
      add(absl::StrFormat("%s %g ms", key, seconds * 1000));
    }
  }
  for (const char* const key : {"loss", "reorder", "duplicate"}) {
    if (const double share = link[key]; share > 0) {
      add(absl::StrFormat("%s %.3g%%", key, share * 100));
    }
  }
  if (!link["rate"].is_null()) {
    add(absl::StrFormat("rate %g Mbit/s", link["rate"].get<double>() / 1e6));
  }
  return absl::StrCat(text, "; seed ", link["seed"].get<std::string>());
}

std::string links_text(const json& links, const Screen& where) {
  Table table({{"LINK"},
               {"DEVICE"},
               {"RECEIVED", Align::kRight},
               {"", Align::kRight},
               {"SENT", Align::kRight},
               {"", Align::kRight},
               {"DROPPED", Align::kRight}});
  std::string details;
  for (const json& link : links) {
    const std::string device = link["device"];
    table.add({link["name"], device.empty() ? "internal" : device, count(link["received_packets"]),
               story::bytes_text(link["received_bytes"].get<uint64_t>()), count(link["sent_packets"]),
               story::bytes_text(link["sent_bytes"].get<uint64_t>()), story::count_text(sum_of(link["dropped"]))});
    if (!link["dropped"].empty()) {
      absl::StrAppend(&details, "  ", link["name"].get<std::string>(), " dropped: ", listed(link["dropped"]), "\n");
    }
    if (!link["impairments"].is_null()) {
      absl::StrAppend(&details, "  ", link["name"].get<std::string>(), ": ", impairments_text(link["impairments"]),
                      "; under way ", count(link["held"]), "\n");
    }
  }
  return table.text(where) + details;
}

std::string joined(const json& texts) {
  std::string all;
  for (const json& text : texts) {
    absl::StrAppend(&all, all.empty() ? "" : ", ", text.get<std::string>());
  }
  return all;
}

std::string speed(const json& megabits) {
  return megabits.is_null() ? "" : absl::StrFormat(" %g Gbit/s", megabits.get<double>() / 1000);
}

// The devices behind the links; nothing where all are internal.
std::string ports_text(const json& links, const Screen& where) {
  Table table({{"PORT"},
               {"DRIVER"},
               {"STATE"},
               {"QUEUES", Align::kRight},
               {"RX DESC", Align::kRight},
               {"TX DESC", Align::kRight},
               {"MTU", Align::kRight},
               {"FRAMES ARE SPREAD BY"},
               {"OFFLOADS"}});
  std::string details;
  bool any = false;
  for (const json& link : links) {
    const json& port = link["port"];
    if (port.is_null()) {
      continue;
    }
    any = true;
    const std::string name = link["name"];
    const json& rss = port["rss"];
    table.add(
        {name, port["driver"], (port["up"].get<bool>() ? "up" : "DOWN") + speed(port["megabits"]),
         count(port["queues"]), count(port["rx_desc"]), count(port["tx_desc"]), count(port["mtu"]),
         port["distribution"].get<std::string>() + (rss.is_null() ? "" : " (" + rss["fields"].get<std::string>() + ")"),
         port["offloads"].empty() ? "none" : joined(port["offloads"])});
    for (const json& note : port["notes"]) {
      absl::StrAppend(&details, "  ", name, ": ", note.get<std::string>(), "\n");
    }
    if (!port["offloads_unused"].empty()) {
      absl::StrAppend(&details, "  ", name, " does without: ", joined(port["offloads_unused"]), "\n");
    }
  }
  return any ? "\n" + table.text(where) + details : "";
}

std::string ratio(const json& number) {
  return number.is_null() ? "-" : absl::StrFormat("%.1f", number.get<double>());
}

std::string workers_text(const json& workers, const Screen& where) {
  Table table({{"WORKER", Align::kRight},
               {"CORE", Align::kRight},
               {"STATE"},
               {"PACKETS", Align::kRight},
               {"HANDED", Align::kRight},
               {"PACKETS/BURST", Align::kRight},
               {"CYCLES/PACKET", Align::kRight},
               {"DROPPED", Align::kRight}});
  std::string details;
  for (const json& worker : workers) {
    const std::string state = worker["state"];
    const bool stalled = !worker["stalled_for"].is_null();
    table.add({count(worker["worker"]), worker["core"].is_null() ? "any" : count(worker["core"]),
               stalled ? absl::StrCat("STALLED for ", about(worker["stalled_for"])) : state, count(worker["packets"]),
               count(worker["handed"]), ratio(worker["packets_per_burst"]), ratio(worker["cycles_per_packet"]),
               story::count_text(sum_of(worker["dropped"]))});
    if (!worker["dropped"].empty()) {
      absl::StrAppend(&details, "  worker ", count(worker["worker"]), " dropped: ", listed(worker["dropped"]), "\n");
    }
  }
  return "\n" + table.text(where) + details;
}

std::string lost_events_text(const json& workers) {
  uint64_t lost = 0;
  for (const json& worker : workers) {
    lost += worker["events_lost"].get<uint64_t>();
  }
  return lost == 0 ? "" : absl::StrCat("\n", story::counted(lost, "event"), " lost: ladders and events have gaps\n");
}

}  // namespace

absl::Status ctl_status(const api::Client& client, bool as_json) {
  const auto status = client.get("/v1/status");
  if (!status.ok()) {
    return status.status();
  }
  if (as_json) {
    print(status->dump(2) + "\n");
    return absl::OkStatus();
  }
  const Screen where = screen();
  print(absl::StrCat((*status)["name"].get<std::string>(), ": topology ", (*status)["topology"].get<std::string>(),
                     ", ", clock_line(*status), "\n\n", boxes_text((*status)["boxes"], where), "\n",
                     links_text((*status)["links"], where), ports_text((*status)["links"], where),
                     workers_text((*status)["workers"], where), lost_events_text((*status)["workers"])));
  return absl::OkStatus();
}

absl::Status ctl_flows(const api::Client& client, const FlowsOptions& options) {
  httplib::Params parameters;
  if (!options.box.empty()) {
    parameters.emplace("box", options.box);
  }
  if (options.all) {
    parameters.emplace("all", "1");
  }
  const auto answer = client.get(httplib::append_query_params("/v1/flows", parameters));
  if (!answer.ok()) {
    return answer.status();
  }
  const json& flows = (*answer)["flows"];
  if (options.json) {
    print(flows.dump(2) + "\n");
    return absl::OkStatus();
  }
  if (flows.empty()) {
    print("no flows\n");
    return absl::OkStatus();
  }
  Table table(
      {{"FLOW"}, {"ORIGINAL"}, {"SEEN OUTSIDE AS"}, {"STATE"}, {"IDLE", Align::kRight}, {"LEFT", Align::kRight}});
  for (const json& flow : flows) {
    const bool over = flow["left"].get<double>() <= 0;
    table.add({flow["flow"], flow["original"]["name"], flow["seen_as"], flow["state"], about(flow["idle"]),
               over ? "over" : about(flow["left"])});
  }
  print(table.text(screen()));
  return absl::OkStatus();
}

absl::Status ctl_metrics(const api::Client& client, const MetricsOptions& options) {
  httplib::Params parameters;
  if (!options.box.empty()) {
    parameters.emplace("box", options.box);
  }
  const auto answer = client.get(httplib::append_query_params("/v1/metrics", parameters));
  if (!answer.ok()) {
    return answer.status();
  }
  const json& boxes = (*answer)["boxes"];
  if (options.json) {
    print(boxes.dump(2) + "\n");
    return absl::OkStatus();
  }
  std::string text;
  for (const json& box : boxes) {
    Table table({{"METRIC"}, {"VALUE", Align::kRight}, {"UNIT"}, {"MEANING"}});
    for (const json& metric : box["metrics"]) {
      table.add({metric["name"], count(metric["value"]), metric["unit"], metric["meaning"]});
    }
    absl::StrAppend(&text, text.empty() ? "" : "\n", box["name"].get<std::string>(), " (",
                    box["kind"].get<std::string>(), "), in ", about((*answer)["virtual_time"]), " of virtual time:\n",
                    table.text(screen()));
  }
  print(text);
  return absl::OkStatus();
}

absl::Status ctl_events(const api::Client& client, const EventsOptions& options) {
  const std::string path = absl::StrCat("/v1/events?since=", options.since, options.packets ? "&packets=1" : "");
  if (options.follow) {
    return client.follow(path + "&follow=1", [](std::string_view line) { return print(std::string(line) + "\n"); });
  }
  const auto lines = client.get_text(path);
  if (!lines.ok()) {
    return lines.status();
  }
  print(*lines);
  return absl::OkStatus();
}

absl::Status ctl_ladder(const api::Client& client, const LadderArguments& arguments) {
  if (arguments.json) {
    const auto story = client.get(httplib::append_query_params("/v1/story", {{"flow", arguments.flow}}));
    if (story.ok()) {
      print((*story)["conversations"].dump(2) + "\n");
    }
    return story.status();
  }
  const Screen where = screen();
  const size_t columns =
      arguments.columns != 0 ? arguments.columns : std::clamp(where.columns, story::kLeastColumns, story::kMostColumns);
  const httplib::Params parameters{
      {"flow", arguments.flow}, {"columns", std::to_string(columns)}, {"colour", where.colour ? "1" : "0"}};
  const auto ladder = client.get_text(httplib::append_query_params("/v1/ladder", parameters));
  if (!ladder.ok()) {
    return ladder.status();
  }
  print(*ladder);
  return absl::OkStatus();
}

absl::Status ctl_clock_show(const api::Client& client, bool as_json) {
  const auto clock = client.get("/v1/clock");
  if (!clock.ok()) {
    return clock.status();
  }
  print((as_json ? clock->dump(2) : clock_line(*clock)) + "\n");
  return absl::OkStatus();
}

absl::Status ctl_clock_move(const api::Client& client, const json& move, bool as_json) {
  const auto answer = client.post("/v1/clock", move);
  if (!answer.ok()) {
    return answer.status();
  }
  if (as_json) {
    print(answer->dump(2) + "\n");
    return absl::OkStatus();
  }
  std::string text = answer->contains("moved") ? "moved " + about((*answer)["moved"]) + "; " : "";
  text += clock_line(*answer) + "\n";
  if (answer->contains("message")) {
    text += (*answer)["message"].get<std::string>() + "\n";
  }
  print(text);
  return absl::OkStatus();
}

absl::Status ctl_addresses_show(const api::Client& client, bool as_json) {
  const auto answer = client.get("/v1/addresses");
  if (!answer.ok()) {
    return answer.status();
  }
  print(as_json ? answer->dump(2) + "\n" : addresses_text((*answer)["boxes"]));
  return absl::OkStatus();
}

absl::Status ctl_addresses_change(const api::Client& client, const std::string& way, const AddressChange& change,
                                  bool as_json) {
  json body{{"box", change.box}, {way, change.address}};
  if (!change.drain.empty()) {
    body["drain"] = change.drain;
  }
  const auto answer = client.post("/v1/addresses", body);
  if (!answer.ok()) {
    return answer.status();
  }
  print(as_json ? answer->dump(2) + "\n" : addresses_text(json::array({*answer})));
  return absl::OkStatus();
}

}  // namespace lapse::cli
