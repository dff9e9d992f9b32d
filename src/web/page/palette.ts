/**
 * The colours of what is painted, as the style sheet has them: canvas cannot read it by itself.
 *
 * Gotcha: they change with the scheme of the system, so they are read again when that does, and never kept elsewhere.
 */

export interface Palette {
  readonly content: string
  readonly reasoning: string
  readonly tool: string
  readonly quiet: string
  readonly stalled: string
  readonly line: string
  readonly baseline: string
}

const read = (): Palette => {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    content: colour("content"),
    reasoning: colour("reasoning"),
    tool: colour("tool"),
    quiet: colour("amber"),
    stalled: colour("amber"),
    line: colour("dim"),
    baseline: colour("line")
  }
}

/** The palette of now, kept right; `changed` is called when another one takes its place. */
export const watchPalette = (changed: () => void): () => Palette => {
  let palette = read()
  const again = () => {
    palette = read()
    changed()
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again)
  matchMedia("(forced-colors: active)").addEventListener("change", again)
  return () => palette
}
