/** What is used here of Eleventy, which has no types of its own. */
declare module "@11ty/eleventy" {
  type Settings = {
    addPlugin(plugin: unknown, options: object): void;
    addTransform(name: string, transform: (body: string) => string): void;
    addTemplate(path: string, text: string, data: object): void;
  };
  type Options = {
    readonly quietMode: boolean;
    config(settings: Settings): object;
  };
  export class Eleventy {
    constructor(input: string, output: string, options: Options);
    write(): Promise<unknown>;
  }
  export const IdAttributePlugin: unknown;
}
