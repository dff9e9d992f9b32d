/**
 * Paints one heartbeat strip. Where what stands is decided in `stripShape.ts`.
 *
 * Content stands on the ground line, reasoning hangs from the top, a tool call floats between: the three differ without
 * any colour. A silence that lasts is a dashed line, and one that an attempt was given up for a hatched band with a
 * cross at its end.
 */
import type { Palette } from "./palette.ts"
import { BAR, type Stretch, type StripShape } from "./stripShape.ts"

export interface Place {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Paints a strip into its place; all in CSS pixels. */
export const drawStrip = (
  context: CanvasRenderingContext2D,
  shape: StripShape,
  { height, left, top, width }: Place,
  palette: Palette
): void => {
  const right = left + width
  context.fillStyle = palette.baseline
  context.fillRect(left, top + height - 1, width, 1)
  for (const stretch of shape.stretches) drawStretch(context, stretch, { left, top, width, height }, palette)
  const colours = [palette.content, palette.reasoning, palette.tool] as const
  // Channel by channel, because a canvas is slow to change its colour.
  for (const channel of [0, 1, 2] as const) {
    context.fillStyle = colours[channel]
    for (const bar of shape.bars) {
      if (bar.channel !== channel) continue
      const x = right - bar.fromRight
      if (x < left) continue
      const tall = bar.level / 8 * (height - 4)
      const y = channel === 0 ? height - 1 - tall : channel === 1 ? 1 : (height - tall) / 2
      context.fillRect(x, top + y, Math.min(BAR, right - x), tall)
    }
  }
  for (const { kind, toRight } of shape.stretches) {
    if (kind === "quiet") continue
    context.strokeStyle = kind === "stalled" ? palette.stalled : palette.line
    drawCross(context, right - toRight, top, height)
  }
}

const drawStretch = (
  context: CanvasRenderingContext2D,
  { fromRight, kind, toRight }: Stretch,
  { height, left, top, width }: Place,
  palette: Palette
): void => {
  const from = left + width - fromRight
  const to = left + width - toRight
  context.save()
  context.beginPath()
  context.rect(from, top, to - from, height)
  context.clip()
  context.beginPath()
  if (kind === "quiet") {
    context.strokeStyle = palette.quiet
    context.lineWidth = 1.5
    context.setLineDash([4, 4])
    context.moveTo(to, top + height / 2)
    context.lineTo(from, top + height / 2)
    context.stroke()
  } else if (kind === "stalled") {
    context.strokeStyle = palette.stalled
    context.lineWidth = 1
    // The hatching begins at the band's own edge, so that it moves with it.
    for (let x = to - Math.ceil((to - from) / 6) * 6 - height; x < to; x += 6) {
      context.moveTo(x, top + height)
      context.lineTo(x + height, top)
    }
    context.stroke()
  }
  context.restore()
}

/** Where an attempt was given up. */
const drawCross = (context: CanvasRenderingContext2D, x: number, top: number, height: number): void => {
  const middle = top + height / 2
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(x, top)
  context.lineTo(x, top + height)
  context.stroke()
  context.lineWidth = 2
  context.beginPath()
  context.moveTo(x - 4, middle - 4)
  context.lineTo(x + 4, middle + 4)
  context.moveTo(x - 4, middle + 4)
  context.lineTo(x + 4, middle - 4)
  context.stroke()
}
