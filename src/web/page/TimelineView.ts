/**
 * The token timeline of an attempt as a picture, with the same in words below it.
 */
import type { AttemptPage } from "../BattlePage.ts"
import { element } from "./dom.ts"
import { describeTimeline, timelineShape } from "./timelineShape.ts"
import { duration, many } from "./words.ts"

const drawn = (
  tag: string,
  attributes: Readonly<Record<string, string>>,
  ...children: ReadonlyArray<Node>
): Element => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/** The timeline of an attempt, in its state of now. */
export const timelineView = ({ durationMillis, stall, timeline, verdict }: AttemptPage): HTMLElement => {
  const { durationMillis: span, lastAt, points, tokens } = timelineShape(timeline, durationMillis)
  const words = describeTimeline(timeline, durationMillis)
  const isSilentAtEnd = verdict !== "completed" && span - lastAt / 1000 * span > 1000
  const silent = isSilentAtEnd
    ? [drawn("rect", {
      class: stall === null ? "silent" : "silent stalled",
      x: String(lastAt),
      y: "0",
      width: String(1000 - lastAt),
      height: "100"
    })]
    : []
  const picture = drawn(
    "svg",
    { viewBox: "0 0 1000 100", preserveAspectRatio: "none", class: "timeline", "aria-hidden": "true" },
    ...silent,
    drawn("polygon", { class: "under", points: `${points} ${lastAt.toFixed(1)},100` }),
    drawn("polyline", { class: "over", points: `${points} 1000,${tokens > 0 ? 0 : 100}` })
  )
  const axis = element("div", "axis dim", element("span", "", "0 s"), element("span", "", duration(span)))
  axis.setAttribute("aria-hidden", "true")
  const most = element("p", "most dim", many(tokens, "token"))
  most.setAttribute("aria-hidden", "true")
  return element("figure", "", most, picture as unknown as HTMLElement, axis, element("figcaption", "", words))
}
