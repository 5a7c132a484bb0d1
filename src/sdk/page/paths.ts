/** `node:path` in the Worker of the Try page, where there is one file in one folder. */

export function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

export function relative(folder: string, path: string): string {
  return path.slice(folder.length + 1);
}
