#include <cstdio>
#include <memory>

#include "control/api/registry.h"
#include "control/cli/command.h"
#include "control/cli/ctl_commands.h"

namespace lapse::cli {
namespace {

// What the options of all subcommands are parsed into; kept alive by their callbacks.
struct Arguments {
  std::string instance;
  bool json = false;
  FlowsOptions flows;
  MetricsOptions metrics;
  EventsOptions events;
  LadderArguments ladder;
  std::string duration;
  double scale = 1.0;
  AddressChange address;
  bool force = false;
};
using Action = std::function<absl::Status(const api::Client&, const Arguments&)>;

int exit_status(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kSuccess;
    case absl::StatusCode::kFailedPrecondition:
      return kExpectationFailed;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return kBadInput;
    default:
      return kEnvironment;
  }
}

absl::Status run(const Arguments& arguments, const Action& action) {
  const auto root = api::instances_root();
  if (!root.ok()) {
    return root.status();
  }
  const auto name = arguments.instance.empty() ? std::nullopt : std::optional(arguments.instance);
  const auto instance = api::find_instance(*root, name);
  if (!instance.ok()) {
    return instance.status();
  }
  return action(api::Client(instance->socket), arguments);
}

class Ctl {
 public:
  Ctl(CLI::App& app, Context& context)
      : context_(context),
        arguments_(std::make_shared<Arguments>()),
        ctl_(*app.add_subcommand("ctl", "look at a running instance, and move its clock")) {
    ctl_.add_option("-t,--instance", arguments_->instance, "which instance, where several are running")
        ->type_name("NAME");
    ctl_.require_subcommand(1);
    ctl_.footer(
        "Examples:\n"
        "  lapse ctl flows                    who remembers what, and for how long\n"
        "  lapse ctl clock advance 351s       let 351 s of silence pass\n"
        "  lapse ctl -t nat-gateway ladder    the last conversation as a picture\n"
        "\n"
        "Exit status: 0; 1 the clock's guard refused; 2 bad input; 3 no instance is running.");
  }

  void add_all() {
    add_status();
    add_flows();
    add_metrics();
    add_events();
    add_clock();
    add_addresses();
    add_ladder();
  }

 private:
  CLI::App& command(CLI::App& parent, const std::string& name, const std::string& description,
                    const std::string& footer, Action action) {
    CLI::App& added = *parent.add_subcommand(name, description);
    added.fallthrough();  // -t may stand at the end, too
    added.footer(footer);
    if (action) {
      added.callback([&context = context_, arguments = arguments_, action = std::move(action)] {
        const absl::Status status = run(*arguments, action);
        if (!status.ok()) {
          const std::string message(status.message());
          std::fprintf(stderr, "lapse ctl: %s\n", message.c_str());
        }
        context.status = exit_status(status);
      });
    }
    return added;
  }
  void add_json(CLI::App& app) { app.add_flag("--json", arguments_->json, "print JSON"); }

  void add_status();
  void add_flows();
  void add_metrics();
  void add_events();
  void add_clock();
  void add_addresses();
  void add_ladder();

  Context& context_;
  std::shared_ptr<Arguments> arguments_;
  CLI::App& ctl_;
};

void Ctl::add_status() {
  add_json(command(ctl_, "status", "boxes, links and counters", "Example:\n  lapse ctl status --json",
                   [](const auto& client, const auto& given) { return ctl_status(client, given.json); }));
}

void Ctl::add_flows() {
  CLI::App& flows = command(ctl_, "flows", "the flows that boxes remember, their idle time and the time left",
                            "Example:\n  lapse ctl flows --box natgw\n\n"
                            "LEFT is the time after which the box forgets the flow if it stays idle.",
                            [](const auto& client, const auto& given) {
                              FlowsOptions options = given.flows;
                              options.json = given.json;
                              return ctl_flows(client, options);
                            });
  flows.add_option("--box", arguments_->flows.box, "only of this box")->type_name("NAME");
  flows.add_flag("--all", arguments_->flows.all, "also flows that are over and that nothing has noticed yet");
  add_json(flows);
}

void Ctl::add_metrics() {
  CLI::App& metrics =
      command(ctl_, "metrics", "what boxes have counted, under their provider's names",
              "Examples:\n"
              "  lapse ctl metrics --box natgw\n"
              "  curl --unix-socket SOCKET http://localhost/metrics    the same and more for Prometheus\n\n"
              "Sums since the instance started; of ActiveConnectionCount the number now, of a peak the highest so far.",
              [](const auto& client, const auto& given) {
                MetricsOptions options = given.metrics;
                options.json = given.json;
                return ctl_metrics(client, options);
              });
  metrics.add_option("--box", arguments_->metrics.box, "only of this box")->type_name("NAME");
  add_json(metrics);
}

void Ctl::add_events() {
  CLI::App& events = command(ctl_, "events", "what happened, as JSON lines",
                             "Example:\n  lapse ctl events --follow | jq -c 'select(.kind == \"flow_expired\")'",
                             [](const auto& client, const auto& given) { return ctl_events(client, given.events); });
  events.add_flag("-f,--follow", arguments_->events.follow, "go on until the instance ends");
  events.add_flag("--packets", arguments_->events.packets, "every packet on every link, too");
  events.add_option("--since", arguments_->events.since, "only events after the one with this seq")->type_name("SEQ");
  events.add_flag("--json", arguments_->json, "as ever: the lines are JSON");
}

void Ctl::add_ladder() {
  CLI::App& ladder =
      command(ctl_, "ladder", "a conversation as a picture: packets, boxes, silences",
              "FLOW is a flow as natgw/17.3, an end as app:40000 or 40000, a number as #1, last or all.\n\n"
              "Example:\n  lapse ctl ladder app:40000",
              [](const auto& client, const auto& given) {
                LadderArguments options = given.ladder;
                options.json = given.json;
                return ctl_ladder(client, options);
              });
  ladder.add_option("FLOW", arguments_->ladder.flow, "which conversation (last)")->type_name("");
  ladder.add_option("--columns", arguments_->ladder.columns, "width (the terminal's, or 100)")->type_name("N");
  ladder.add_flag("--json", arguments_->json, "print what is known of the conversation as JSON");
}

void Ctl::add_clock() {
  CLI::App& clock = command(ctl_, "clock", "show or move the boxes' clock",
                            "Examples:\n"
                            "  lapse ctl clock show\n"
                            "  lapse ctl clock advance 351s    jump; stops before a flow that is kept alive expires\n"
                            "  lapse ctl clock next            jump to the next expiry\n"
                            "  lapse ctl clock scale 50        50 virtual seconds in a real one",
                            nullptr);
  clock.require_subcommand(1);
  add_json(command(clock, "show", "the virtual time and its speed", "Example:\n  lapse ctl clock show --json",
                   [](const auto& client, const auto& given) { return ctl_clock_show(client, given.json); }));

  CLI::App& advance =
      command(clock, "advance", "jump forward: the boxes see that much silence",
              "Example:\n  lapse ctl clock advance 351s\n\n"
              "The hosts' kernels do not jump: a keepalive that would have saved a flow does not happen.\n"
              "So the jump stops before a flow that was refreshed more often than its timeout expires.",
              [](const auto& client, const auto& given) {
                return ctl_clock_move(client, {{"advance", given.duration}, {"force", given.force}}, given.json);
              });
  advance.add_option("DURATION", arguments_->duration, "351s, 5d, 120ms, 1m30s")->required()->type_name("");
  advance.add_flag("--force", arguments_->force, "also past flows that are kept alive");
  add_json(advance);

  add_json(command(clock, "next", "jump to the next expiry and stop there", "Example:\n  lapse ctl clock next",
                   [](const auto& client, const auto& given) {
                     return ctl_clock_move(client, {{"next", true}}, given.json);
                   }));

  CLI::App& scale =
      command(clock, "scale", "how many virtual seconds pass in a real one",
              "Example:\n  lapse ctl clock scale 50\n\n"
              "Hosts that were not started with --warp stay in real time, so that this needs --force there.",
              [](const auto& client, const auto& given) {
                return ctl_clock_move(client, {{"scale", given.scale}, {"force", given.force}}, given.json);
              });
  scale.add_option("N", arguments_->scale, "1 to 1000")->required()->type_name("");
  scale.add_flag("--force", arguments_->force, "also when the hosts are not warped");
  add_json(scale);
}

void Ctl::add_addresses() {
  CLI::App& addresses = command(ctl_, "addresses", "show or change the addresses that a NAT gateway translates to",
                                "Examples:\n"
                                "  lapse ctl addresses show\n"
                                "  lapse ctl addresses associate natgw 203.0.113.11\n"
                                "  lapse ctl addresses disassociate natgw 203.0.113.11 --drain 60s",
                                nullptr);
  addresses.require_subcommand(1);
  add_json(command(addresses, "show", "which there are, and which drain", "Example:\n  lapse ctl addresses show --json",
                   [](const auto& client, const auto& given) { return ctl_addresses_show(client, given.json); }));
  const auto add_change = [this, &addresses](const std::string& way, const std::string& description,
                                             const std::string& footer) -> CLI::App& {
    CLI::App& change = command(addresses, way, description, footer, [way](const auto& client, const auto& given) {
      return ctl_addresses_change(client, way, given.address, given.json);
    });
    change.add_option("BOX", arguments_->address.box, "the NAT gateway")->required()->type_name("");
    change.add_option("ADDRESS", arguments_->address.address, "on the link of its outside")->required()->type_name("");
    add_json(change);
    return change;
  };
  add_change("associate", "new flows are spread over one more address",
             "Example:\n  lapse ctl addresses associate natgw 203.0.113.11");
  CLI::App& disassociate =
      add_change("disassociate", "an address serves the flows that it has, and no new ones, until it is released",
                 "Example:\n  lapse ctl addresses disassociate natgw 203.0.113.11 --drain 60s\n\n"
                 "Flows that are left when the drain is over end, and nobody is told. The primary address stays.");
  disassociate.add_option("--drain", arguments_->address.drain, "1s to 4000s (as the file says, or 350s)")
      ->type_name("DURATION");
}

}  // namespace

void add_ctl(CLI::App& app, Context& context) {
  Ctl(app, context).add_all();
}

}  // namespace lapse::cli
