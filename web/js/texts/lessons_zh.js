/** 中文：课程周围的文字；课程本身在 web/lessons。 */

export const lessonsZh = {
  "lessons.tab": "课程",
  "lessons.title": "课程",
  "lessons.lead":
    "六堂课，带你走读让这家商城运转起来的代码。每一课都展示真实的代码，让你亲手运行，最后附有练习。课里的代码都从源文件中截取，" +
    "每段运行结果都由测试重新跑过。",
  "lessons.chapters": "本课章节",
  "lessons.more": "更多课程",
  "lessons.before": "上一课",
  "lessons.after": "下一课",
};
