/**
 * How large an event of a task may be: the official clients refuse a larger one, and everything that comes after it.
 */
import type { TaskEvent } from "./TaskEvent.ts"

/** The most characters of an event's content, in characters. The limit of clients is 4 MiB for the event as a whole. */
export const MOST_EVENT_CHARACTERS = 3 * 1024 * 1024

/** The characters of what an event carries, roughly as JSON has them. */
const charactersOf = (event: TaskEvent): number => {
  switch (event._tag) {
    case "Delta":
    case "Replaced":
    case "Status":
      return event.text.length
    case "ToolCallDelta":
      return event.arguments.length
    case "Artifact":
      return event.parts.reduce(
        (sum, part) => sum + (part._tag === "Text" ? part.text.length : JSON.stringify(part.data).length),
        0
      )
    default:
      return 0
  }
}

/** Whether no client would take the event. */
export const isTooLarge = (event: TaskEvent): boolean => charactersOf(event) > MOST_EVENT_CHARACTERS
