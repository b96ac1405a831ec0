/**
 * The bags on the shelf: names, prices, and a drawing of each out of a few strokes.
 *
 * A drawing is a list of [class, element, attributes]; the classes are painted in css/shop.css with the colours of the
 * bag, so that a bag looks right by day and by night.
 */

import { ornament, s } from "./dom.js";

/** @typedef {[string, string, Record<string, any>]} Shape */
/** @typedef {{name: string, colour: string, price: number, draw: Shape[]}} Bag */

/** @type {(kind: string, d: string) => Shape} */
const path = (kind, d) => [kind, "path", { d }];
/** @type {(kind: string, x: number, y: number, width: number, height: number, rx?: number) => Shape} */
const box = (kind, x, y, width, height, rx = 0) => [kind, "rect", { x, y, width, height, rx }];
/** @type {(kind: string, r: number, ...points: [number, number][]) => Shape[]} */
const dots = (kind, r, ...points) => points.map(([cx, cy]) => [kind, "circle", { cx, cy, r }]);

/** @type {Bag[]} */
export const BAGS = [
  {
    name: "tote",
    colour: "canvas",
    price: 268,
    draw: [
      path("strap behind", "M70 80C70 20 130 20 130 80"),
      path("body", "M46 72H154L163 156Q164 164 156 164H44Q36 164 37 156Z"),
      path("dark", "M39.6 134H160.4L163 156Q164 164 156 164H44Q36 164 37 156Z"),
      path("fold", "M46 72H154L155 82H45Z"),
      path("seam", "M48 87H152M41 139H159"),
      path("strap", "M78 96V84C78 36 122 36 122 84V96"),
      box("dark", 73, 88, 10, 14, 2),
      box("dark", 117, 88, 10, 14, 2),
      ...dots("brass", 2, [78, 95], [122, 95]),
      box("light", 87, 104, 26, 17, 2),
      path("seam", "M90 107H110V118H90Z"),
    ],
  },
  {
    name: "pack",
    colour: "indigo",
    price: 598,
    draw: [
      path("strap", "M87 32Q87 15 100 15Q113 15 113 32"),
      path("dark", "M56 116Q40 118 40 130V150Q40 160 50 160H58ZM144 116Q160 118 160 130V150Q160 160 150 160H142Z"),
      path("body", "M54 74Q54 28 100 28Q146 28 146 74V150Q146 164 132 164H68Q54 164 54 150Z"),
      path("light", "M52 72Q52 25 100 25Q148 25 148 72V90Q148 100 138 100H62Q52 100 52 90Z"),
      path("seam", "M57 72Q57 30 100 30Q143 30 143 72V89Q143 95 137 95H63Q57 95 57 89Z"),
      box("dark", 70, 116, 60, 42, 8),
      path("fold", "M67 114H133V124Q133 132 125 132H75Q67 132 67 124Z"),
      path("seam", "M71 117H129V123Q129 128 124 128H76Q71 128 71 123Z"),
      box("tan", 77, 62, 9, 58, 2),
      box("tan", 114, 62, 9, 58, 2),
      box("buckle", 74.5, 92, 14, 11, 2),
      box("buckle", 111.5, 92, 14, 11, 2),
      ...dots("brass", 2, [81.5, 113], [118.5, 113]),
    ],
  },
  {
    name: "satchel",
    colour: "saddle",
    price: 728,
    draw: [
      path("strap behind", "M42 86C42 12 158 12 158 86"),
      box("dark", 34, 74, 132, 90, 9),
      path("strap", "M83 64Q83 47 100 47Q117 47 117 64"),
      path("body", "M29 72Q29 62 39 62H161Q171 62 171 72V112Q171 130 153 130H47Q29 130 29 112Z"),
      path("seam", "M34 72Q34 67 39 67H161Q166 67 166 72V112Q166 125 153 125H47Q34 125 34 112Z"),
      path("seam", "M39 152Q39 159 46 159H154Q161 159 161 152"),
      box("tan", 56, 82, 14, 64, 4),
      box("tan", 130, 82, 14, 64, 4),
      box("buckle", 53.5, 118, 19, 13, 2.5),
      box("buckle", 127.5, 118, 19, 13, 2.5),
      ...dots("brass", 1.8, [63, 140], [137, 140], [63, 88], [137, 88]),
    ],
  },
  {
    name: "weekender",
    colour: "moss",
    price: 868,
    draw: [
      path("strap behind", "M73 84C73 30 127 30 127 84"),
      path("body", "M28 104Q28 74 58 74H142Q172 74 172 104V140Q172 162 150 162H50Q28 162 28 140Z"),
      path("dark", "M28 104Q28 74 58 74H60V162H50Q28 162 28 140ZM172 104Q172 74 142 74H140V162H150Q172 162 172 140Z"),
      path("zip", "M62 83H138"),
      path("seam", "M64 74V162M136 74V162"),
      box("tan", 75, 86, 11, 76),
      box("tan", 114, 86, 11, 76),
      path("seam", "M80.5 90V158M119.5 90V158"),
      path("strap", "M80.5 100V88C80.5 40 119.5 40 119.5 88V100"),
      ...dots("brass", 2, [80.5, 104], [119.5, 104]),
      box("light", 90, 112, 20, 26, 3),
      path("seam", "M93 115H107V135H93Z"),
    ],
  },
  {
    name: "bucket",
    colour: "ochre",
    price: 458,
    draw: [
      path("strap behind", "M60 76C46 10 154 10 140 76"),
      path("body", "M58 68H142L151 152Q152 164 140 164H60Q48 164 49 152Z"),
      path("light", "M58 70Q56 54 72 60Q84 50 100 57Q116 50 128 60Q144 54 142 70Q100 82 58 70Z"),
      path("dark", "M51.4 138H148.6L151 152Q152 164 140 164H60Q48 164 49 152Z"),
      path("seam", "M52 143H148"),
      path("cord", "M62 84H138M95 85Q88 104 94 116M105 85Q113 102 107 120"),
      ...dots("brass", 3, [68, 84], [84, 84], [116, 84], [132, 84]),
      ...dots("tan", 4, [94, 119], [107, 123]),
    ],
  },
  {
    name: "doctor",
    colour: "plum",
    price: 1180,
    draw: [
      path("strap", "M75 66V54Q75 42 87 42H113Q125 42 125 54V66"),
      path("body", "M38 86Q42 62 66 62H134Q158 62 162 86L169 150Q170 164 156 164H44Q30 164 31 150Z"),
      path("dark", "M50 74Q54 60 66 60H134Q146 60 150 74L151 82H49Z"),
      path("seam", "M58 86Q50 120 47 160M142 86Q150 120 153 160M36 150Q36 159 45 159H155Q164 159 164 150"),
      box("buckle", 91, 72, 18, 18, 3),
      ...dots("brass", 2.6, [100, 79]),
      path("keyhole", "M100 80V86"),
      box("brass", 72, 62, 6, 7, 1),
      box("brass", 122, 62, 6, 7, 1),
    ],
  },
];

/** Return the drawing of a bag. @param {Bag} bag */
export function drawing(bag) {
  const shapes = bag.draw.map(([kind, tag, attributes]) => s(tag, { class: kind, ...attributes }));
  return ornament(
    "0 0 200 180",
    `bag ${bag.colour}`,
    s("ellipse", { class: "shadow", cx: 100, cy: 165, rx: 74, ry: 7 }),
    shapes,
  );
}
