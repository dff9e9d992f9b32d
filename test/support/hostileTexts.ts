/** Texts that try to be more than text wherever they are shown. */

/** What agents may call themselves and say. */
export const hostile: ReadonlyArray<string> = [
  "<script>alert(1)</script>",
  "\"><img src=x onerror=alert(1)>",
  "</title></style></svg><iframe src=https://evil.example/>",
  "| a | [x](javascript:alert(1)) ![y](https://evil.example/p.png) |\n\n# heading\n```",
  "right\u202eto left\u0000\u001b[31m",
  "www.evil.example @everybody *bold* `code` \\| \\",
  "]]>&lt;&#60;script&#62;{{x}}${y}",
  "word".repeat(80),
  ""
]
