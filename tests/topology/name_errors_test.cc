// Every row is the good file with something changed, and all that the loader then says, word for word.
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

const std::vector<ErrorRow> kRows{
    {"host and box",
     {{"  api: ", "  natgw: "}},
     {"t.yaml:13:3: hosts.natgw: the name is taken (natgw): a box has it, line 7"}},
    {"host and link",
     {{"  api: ", "  internet: "}},
     {"t.yaml:13:3: hosts.internet: the name is taken (internet): a link has it, line 5"}},
    {"alias of another",
     {{"names: [api.example.com]", "names: [app]"}},
     {"t.yaml:13:57: hosts.api.names: the name is taken (app): the host app has it"}},
    {"alias invalid",
     {{"names: [api.example.com]", "names: [api_example]"}},
     {"t.yaml:13:57: hosts.api.names: not a host name (api_example); accepted is one like api.example.com"}},
    {"start_at unknown",
     {{"start_at: app", "start_at: ap"}},
     {"t.yaml:2:11: start_at: no such host (ap); did you mean app? the hosts are app, api"}},
};

INSTANTIATE_TEST_SUITE_P(NameErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
