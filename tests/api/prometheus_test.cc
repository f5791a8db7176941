// What a Prometheus server reads from a running instance, and that Prometheus' own checker finds nothing to say about it.
#include "control/api/prometheus.h"

#include <array>
#include <cstdio>
#include <fstream>

#include <sys/socket.h>
#include <sys/wait.h>

#include "gmock/gmock.h"

#include "httplib.h"
#include "tests/api/api_bench.h"

namespace lapse::api {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string scraped() {
  ApiBench bench;
  bench.instance.add_flow(std::chrono::seconds(100), false);
  return bench.client.get_text("/metrics").value_or("");
}

struct Checked {
  int status = -1;
  std::string said;
};

// By `promtool check metrics`.
Checked check(const std::string& text) {
  const Folder folder;
  std::ofstream(folder / "metrics") << text;
  FILE* const pipe = popen(("promtool check metrics <" + (folder / "metrics") + " 2>&1").c_str(), "r");
  Checked checked;
  std::array<char, 4096> chunk;
  while (const size_t size = fread(chunk.data(), 1, chunk.size(), pipe)) {
    checked.said.append(chunk.data(), size);
  }
  checked.status = WEXITSTATUS(pclose(pipe));
  return checked;
}

bool has_promtool() {
  return system("command -v promtool >/dev/null") == 0;
}

TEST(Prometheus, HasTheProvidersMetricsWithTheirTypeAndMeaning) {
  const std::string text = scraped();
  EXPECT_THAT(text, HasSubstr("# HELP lapse_nat_gateway_packets_out_to_destination_total PacketsOutToDestination: sent "
                              "to destinations\n"
                              "# TYPE lapse_nat_gateway_packets_out_to_destination_total counter\n"
                              "lapse_nat_gateway_packets_out_to_destination_total{topology=\"nat-gateway\","
                              "box=\"natgw\"} 113\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE lapse_nat_gateway_peak_bytes_per_second gauge\n"
                              "lapse_nat_gateway_peak_bytes_per_second{topology=\"nat-gateway\",box=\"natgw\"} 115\n"));
  for (const metrics::Metric& metric : metrics::metrics_of("nat-gateway")) {
    EXPECT_THAT(text, HasSubstr("\n" + metrics::prometheus_name("nat-gateway", metric) + "{topology=")) << metric.name;
  }
}

TEST(Prometheus, HasWhatBoxesDropAndHoldByStableCodes) {
  const std::string text = scraped();
  const std::string box = "{topology=\"nat-gateway\",box=\"natgw\"";
  for (const std::string& line : std::vector<std::string>{
           "# TYPE lapse_box_dropped_packets_total counter\n",
           "lapse_box_dropped_packets_total" + box + ",reason=\"LATE-DROP\"} 3\n",
           "lapse_box_dropped_packets_total" + box + ",reason=\"TABLE-FULL\"} 0\n",
           "lapse_box_events_total" + box + ",event=\"FLOW-NEW\"} 1\n",
           "lapse_box_events_total" + box + ",event=\"LATE-RST\"} 0\n",
           "lapse_box_received_packets_total" + box + ",side=\"inside\"} 6\n",
           "lapse_box_sent_packets_total" + box + ",side=\"outside\"} 4\n",
           "lapse_box_originated_packets_total" + box + "} 1\n",
           "# TYPE lapse_box_flows gauge\n",
           "lapse_box_flows" + box + ",timeout_class=\"tcp_established\"} 1\n",
           "lapse_box_flows" + box + ",timeout_class=\"udp\"} 0\n",
           "lapse_box_timeout_seconds" + box + ",timeout_class=\"tcp_established\"} 350\n",
           "lapse_box_flow_capacity" + box + "} 65536\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Prometheus, HasLinksWorkersAndTheClock) {
  const std::string text = scraped();
  for (const char* const line : {
           "lapse_link_received_bytes_total{topology=\"nat-gateway\",link=\"private\"} 600\n",
           "lapse_link_received_packets_total{topology=\"nat-gateway\",link=\"private\"} 6\n",
           "lapse_link_dropped_packets_total{topology=\"nat-gateway\",link=\"private\",reason=\"LINK-LOSS\"} 0\n",
           "lapse_link_held_packets{topology=\"nat-gateway\",link=\"private\"} 3\n",
           "lapse_link_up{topology=\"nat-gateway\",link=\"private\"} 1\n",
           "lapse_worker_busy_cycles_total{topology=\"nat-gateway\",worker=\"0\"} 2500\n",
           "lapse_worker_stalled{topology=\"nat-gateway\",worker=\"2\"} 1\n",
           "lapse_clock_virtual_seconds{topology=\"nat-gateway\"} 100\n",
           "lapse_clock_scale{topology=\"nat-gateway\"} 1\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

// A scraper tells the format by it.
TEST(Prometheus, NamesTheVersionOfItsFormat) {
  const ApiBench bench;
  httplib::Client client(bench.socket, 80);
  client.set_address_family(AF_UNIX);
  const auto answer = client.Get("/metrics", {{"Host", "localhost"}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->get_header_value("Content-Type"), kPrometheusType);
  EXPECT_EQ(client.Get("/metrics?box=natgw", {{"Host", "localhost"}})->status, 400);
}

TEST(Prometheus, IsAcceptedByPromtoolWithoutAWarning) {
  if (!has_promtool()) {
    GTEST_SKIP() << "promtool is missing: apt-get install prometheus";
  }
  const Checked bad =
      check("# HELP lapse_things_count things\n# TYPE lapse_things_count counter\nlapse_things_count 1\n");
  EXPECT_NE(bad.status, 0) << "it checks nothing";
  const Checked checked = check(scraped());
  EXPECT_EQ(checked.status, 0);
  EXPECT_THAT(checked.said, IsEmpty());
}

}  // namespace
}  // namespace lapse::api
