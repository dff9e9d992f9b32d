/**
 * The answer as a client that follows the specification has it after each frame, and in which way each frame told more
 * of it: that is how a probe knows that pieces come without `append`, or that everything is told again and again.
 *
 * Law: what is repeated is no news. A status that says the same once more, an artifact that is sent again unchanged and an
 * empty piece add nothing.
 */
import { type AgentFrame, isFinal } from "./AgentFrame.ts"

/**
 * - `append`: a piece that is added to an artifact; the first one as well.
 * - `replace`: the whole so far, which begins with what was known.
 * - `piece`: an artifact replaced by something else, without what was known.
 * - `artifact`: one more artifact.
 * - `status`: text of a status while the task is open; `status-whole` if it begins with the one before.
 * - `snapshot`: a task that says more than was known.
 * - `end`: the status that ends the task, or a message.
 */
export type Voice = "append" | "replace" | "piece" | "artifact" | "status" | "status-whole" | "snapshot" | "end"

export interface News {
  readonly voice: Voice
  /** The characters that were not known before. */
  readonly length: number
}

export const makeAnswer = () => {
  const artifacts = new Map<string, string>()
  let lastStatus = ""
  let statuses = ""
  let end = ""

  const inArtifacts = () => [...artifacts.values()].join("")

  const artifact = (id: string, text: string, append: boolean): News | undefined => {
    const known = artifacts.get(id)
    if (text === "") return undefined
    if (known === undefined) {
      artifacts.set(id, text)
      return { voice: artifacts.size > 1 ? "artifact" : "append", length: text.length }
    }
    artifacts.set(id, append ? known + text : text)
    if (append) return { voice: "append", length: text.length }
    if (text === known) return undefined
    return text.startsWith(known)
      ? { voice: "replace", length: text.length - known.length }
      : { voice: "piece", length: text.length }
  }

  const status = (text: string): News | undefined => {
    const before = lastStatus
    if (text === "" || text === before) return undefined
    lastStatus = text
    if (before !== "" && text.startsWith(before)) {
      statuses = statuses.slice(0, statuses.length - before.length) + text
      return { voice: "status-whole", length: text.length - before.length }
    }
    statuses += text
    return { voice: "status", length: text.length }
  }

  const ending = (text: string): News | undefined => {
    if (text === "") return undefined
    const isNews = text !== inArtifacts() && text !== statuses && !statuses.endsWith(text)
    end = text
    return isNews ? { voice: "end", length: text.length } : undefined
  }

  /** What a frame adds. */
  const read = (frame: AgentFrame): News | undefined => {
    switch (frame.kind) {
      case "artifact":
        return frame.artifacts.map(({ append, id, text }) => artifact(id, text, append)).find((news) => news)
      case "task": {
        const length = frame.artifacts.reduce((sum, { id, text }) => sum + (artifact(id, text, false)?.length ?? 0), 0)
        const news = isFinal(frame) ? ending(frame.text) : status(frame.text)
        return length > 0 ? { voice: "snapshot", length } : news
      }
      case "status": {
        if (isFinal(frame)) return ending(frame.text)
        return status(frame.text)
      }
      case "message":
        return ending(frame.text)
      case "unknown":
        return undefined
    }
  }

  return {
    read,
    /** What is in the artifacts, in their order; else what the statuses said; else the end. */
    text: () => inArtifacts() || end || statuses,
    inArtifacts,
    /** Distinct artifacts. */
    artifacts: () => artifacts.size,
    /** Whether the end said once more what the artifacts hold. */
    saidTwice: () => end !== "" && end === inArtifacts()
  }
}
