// ladder_svg.h - ladders as one drawing, one below the other, with a legend.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     virtual, down the left side.
// Bytes:    UTF-8.
// Cost:     a pass over the rows.
// Lifetime: none.
// Spec:     design, "Control": the ladder.
//
// A lifeline is solid and blue while its owner has the connection or the flow, solid and amber with dashes while an end
// believes in what a box has forgotten, dotted otherwise: the line's shape says it without its colour.
#pragma once

#include <string>
#include <vector>

#include "control/report/drawing.h"
#include "control/story/picture.h"

namespace lapse::report {

struct LadderDrawing {
  Drawing drawing;
  double width = 0;
  double height = 0;
};
LadderDrawing draw_ladders(const std::vector<story::Picture>& pictures);

}  // namespace lapse::report
