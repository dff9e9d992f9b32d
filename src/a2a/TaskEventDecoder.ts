/**
 * Task events out of what an agent streams over A2A.
 *
 * Law: of an agent that speaks the token extension, `decode` after `encode` gives back any stream of task events, one for
 * one. Of others it makes the best: text that is new is a delta of one token, whatever the agent repeats counts once.
 *
 * A decoder belongs to one stream and remembers what artifacts have said, which tells a repetition from a replacement.
 * The cost per event does not depend on the length of the answer.
 */
import type { Part, StreamResponse, Task, TaskStatus } from "@a2a-js/sdk"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { Delta, Finish } from "../token/TokenEvent.ts"
import { Artifact, Ended, Replaced, Status, type TaskEvent } from "./TaskEvent.ts"
import { decodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { fromTaskState, isFinalState, textOf } from "./WireTask.ts"

/** Makes the decoder of one stream. */
export const makeDecoder = () => {
  let taskId: string | undefined
  /** What foreign artifacts have said, by artifact. */
  const said = new Map<string, string>()

  const foreignText = (artifactId: string, text: string, append: boolean): ReadonlyArray<TaskEvent> => {
    const before = said.get(artifactId) ?? ""
    said.set(artifactId, append ? before + text : text)
    // An artifact sent again as a whole repeats what is known; only what is new in it counts.
    const news = append ? text : text.startsWith(before) ? text.slice(before.length) : undefined
    if (news === undefined) return [Replaced.make({ text: [...said.values()].join("") })]
    return news === "" ? [] : [Delta.make({ channel: "content", text: news, tokens: 1 })]
  }

  const foreignArtifact = (artifactId: string, name: string, parts: ReadonlyArray<Part>, append: boolean) => {
    const data = parts.flatMap((part) => part.content?.$case === "data" ? [part.content.value as Schema.Json] : [])
    return [
      ...foreignText(artifactId, textOf(parts), append),
      ...(data.length === 0
        ? []
        : [Artifact.make({ artifactId, name, parts: data.map((data) => ({ _tag: "Data" as const, data })) })])
    ]
  }

  const foreignStatus = (status: TaskStatus | undefined): ReadonlyArray<TaskEvent> => {
    const state = status === undefined ? undefined : fromTaskState(status.state)
    if (state === undefined) return []
    const text = textOf(status?.message?.parts ?? [])
    return isFinalState(state) ? [Ended.make({ state, text, error: null })] : [Status.make({ state, text })]
  }

  const task = (task: Task): ReadonlyArray<TaskEvent> => {
    taskId = task.id
    const artifacts = task.artifacts.flatMap((artifact) =>
      foreignArtifact(artifact.artifactId, artifact.name, artifact.parts, false)
    )
    // The first task of a stream only says that there is one; its state counts where it is already over.
    return [...artifacts, ...foreignStatus(task.status).filter((event) => !isBareStatus(event))]
  }

  const decode = (response: StreamResponse): ReadonlyArray<TaskEvent> => {
    const payload = response.payload
    switch (payload?.$case) {
      case undefined:
        return []
      case "task":
        return task(payload.value)
      case "message":
        return [
          Delta.make({ channel: "content", text: textOf(payload.value.parts), tokens: 1 }),
          Finish.make({ reason: "message" }),
          Ended.make({ state: "completed", text: "", error: null })
        ]
      case "statusUpdate": {
        taskId = payload.value.taskId
        return exactEvent(payload.value.metadata, []) ?? foreignStatus(payload.value.status)
      }
      case "artifactUpdate": {
        taskId = payload.value.taskId
        const artifact = payload.value.artifact
        if (artifact === undefined) return []
        return exactEvent(payload.value.metadata, artifact.parts) ??
          foreignArtifact(artifact.artifactId, artifact.name, artifact.parts, payload.value.append)
      }
    }
  }

  return { decode, taskId: () => taskId }
}

const isBareStatus = (event: TaskEvent): boolean => event._tag === "Status" && event.text === ""

/** The event under the extension's key, with the text that the update's parts carry. */
const exactEvent = (
  metadata: Readonly<Record<string, unknown>> | undefined,
  parts: ReadonlyArray<Part>
): ReadonlyArray<TaskEvent> | undefined => {
  const encoded = metadata?.[TOKEN_EXTENSION_URI]
  if (typeof encoded !== "object" || encoded === null || !("_tag" in encoded)) return undefined
  const carriesText = encoded._tag === "Delta" || encoded._tag === "Replaced"
  const decoded = decodeEvent(carriesText ? { ...encoded, text: textOf(parts) } : encoded)
  return Result.isSuccess(decoded) ? [decoded.success] : undefined
}
