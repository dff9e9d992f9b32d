/** The media types of message parts and of bodies, and whether an agent takes them. */
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
  const essence = essenceOf(mediaType)
  return modes.includes(essence) || (essence.startsWith("text/") && modes.includes("text/plain"))
}

/** What a body may be. */
export const JSON_TYPES: ReadonlyArray<string> = ["application/json", "application/a2a+json"]

/** Whether a `Content-Type` says that the body is JSON. */
export const isJson = (contentType: string): boolean => JSON_TYPES.includes(essenceOf(contentType))

const essenceOf = (mediaType: string): string => mediaType.split(";")[0]!.trim().toLowerCase()
