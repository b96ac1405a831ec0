/** English: what surrounds the lessons; they themselves are in web/lessons. */

export const lessonsEn = {
  "lessons.tab": "Lessons",
  "lessons.title": "Lessons",
  "lessons.lead":
    "Six walks through the code that runs this shop. Each shows the real lines, lets you run them, and ends with " +
    "exercises. Whatever you read there was cut from the source and run by the tests.",
  "lessons.chapters": "Chapters of this lesson",
  "lessons.more": "More lessons",
  "lessons.before": "Before",
  "lessons.after": "Next",
};
