#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

TEST_P(ErrorTest, IsToldWithPlaceKeyAndWhatIsAccepted) {
  EXPECT_THAT(findings_of(changed(GetParam().changes)).errors, testing::ElementsAreArray(GetParam().errors));
}

}  // namespace
}  // namespace lapse::topology
