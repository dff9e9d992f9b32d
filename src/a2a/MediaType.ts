/** The media type of a message's part, and whether an agent takes it. */
import type { Part } from "@a2a-js/sdk"

/** What the part says, and otherwise what its kind is: text, JSON, or bytes of any kind. */
export const mediaTypeOf = (part: Part): string => {
  if (part.mediaType !== "") return part.mediaType
  switch (part.content?.$case) {
    case "text":
      return "text/plain"
    case "data":
      return "application/json"
    default:
      return "application/octet-stream"
  }
}

/** Whether one of the modes of an agent card covers the media type. Every text is plain text to a model. */
export const supports = (modes: ReadonlyArray<string>, mediaType: string): boolean => {
  const essence = mediaType.split(";")[0]!.trim().toLowerCase()
  return modes.includes(essence) || (essence.startsWith("text/") && modes.includes("text/plain"))
}
