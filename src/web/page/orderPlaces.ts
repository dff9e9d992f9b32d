/**
 * In which order battles in flight are shown. Pure.
 *
 * Laws: what is shown is what there is to show, each once; an order that is kept (`kept`) changes only where a battle
 * comes or goes, and another battle in the same place takes its line. Among those that are not quiet the place decides:
 * which of two had a token last would change with every frame.
 */
import { type PageState, type Place, shownPlaces, silenceOf } from "./PageState.ts"
import { QUIET_MILLIS } from "./stripShape.ts"

const urgency = ({ flight: { row }, leftAtMillis }: Place, now: number): number => {
  if (leftAtMillis !== undefined || row.waiting !== null) return -1
  const silent = silenceOf(row, now)
  return silent > QUIET_MILLIS ? silent : 0
}

/** The lines at `now`: by place, or the longest silence first. */
export const orderPlaces = (
  state: PageState,
  now: number,
  by: "place" | "quiet",
  kept?: ReadonlyArray<Place>
): ReadonlyArray<Place> => {
  const shown = shownPlaces(state, now)
  if (kept !== undefined) {
    const order = new Map(kept.map(({ flight }, index) => [flight.row.slot, index]))
    return shown.toSorted((a, b) =>
      (order.get(a.flight.row.slot) ?? Infinity) - (order.get(b.flight.row.slot) ?? Infinity) || 0
    )
  }
  return by === "place" ? shown : shown.toSorted((a, b) => urgency(b, now) - urgency(a, now))
}
