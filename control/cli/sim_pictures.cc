#include "control/cli/sim_pictures.h"

#include "absl/strings/str_cat.h"

#include "control/report/escape.h"
#include "control/report/write.h"

namespace lapse::cli {

void add_picture_options(CLI::App& command, Pictures& pictures) {
  command.add_option("--svg", pictures.svg, "write the ladder of one scenario as an SVG image")->type_name("FILE");
  command
      .add_option("--html", pictures.html, "write a page that needs nothing else; several scenarios stand side by side")
      ->type_name("FILE");
  command.add_option("--md", pictures.markdown, "write one scenario as Markdown with a Mermaid diagram")
      ->type_name("FILE");
  command.add_option("--pcap", pictures.pcap, "write the packets of one scenario as pcapng, in virtual time")
      ->type_name("FILE");
  command
      .add_option("--beside", pictures.beside,
                  "for --html: play again with this changed, too, and show it beside; its expectations do not count")
      ->type_name("P=V")
      ->allow_extra_args(false);
}

std::string mistake(const Pictures& pictures, size_t scenarios) {
  if (!pictures.beside.empty() && pictures.html.empty()) {
    return "--beside puts a second run on the page of --html FILE, which is missing";
  }
  const auto only_one = [&](const std::string& file, const char* option) {
    return file.empty() || scenarios == 1 ? std::string()
                                          : absl::StrCat(option, " ", file, " takes one scenario and ", scenarios,
                                                         " were given; --html puts several side by side");
  };
  for (const std::string& wrong :
       {only_one(pictures.svg, "--svg"), only_one(pictures.markdown, "--md"), only_one(pictures.pcap, "--pcap")}) {
    if (!wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

std::string sim_command(const std::string& name, uint64_t seed, const std::vector<std::string>& settings) {
  std::string command = absl::StrCat("lapse sim ", report::quote_shell(name), " --seed ", seed);
  for (const std::string& setting : settings) {
    absl::StrAppend(&command, " --set ", report::quote_shell(setting));
  }
  return command;
}

absl::Status write_pictures(const Pictures& pictures, const std::vector<report::ReportedRun>& runs) {
  if (runs.empty()) {
    return absl::OkStatus();
  }
  absl::Status status;
  const auto write = [&status](const std::string& file, const auto& make) {
    if (!file.empty() && status.ok()) {
      status = report::write_file(file, make());
    }
  };
  write(pictures.svg, [&] { return report::svg_report(runs.front()); });
  write(pictures.html, [&] { return report::html_report(runs); });
  write(pictures.markdown, [&] { return report::markdown_report(runs.front()); });
  write(pictures.pcap, [&] { return report::pcapng_report(runs.front()); });
  return status;
}

}  // namespace lapse::cli
