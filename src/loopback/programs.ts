/** Where programs are: the folders of PATH, and where an installer puts Wireshark's on macOS. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { platform } from './platform.js';

export interface Program {
  readonly path: string;
  /** This user may execute it. */
  readonly executable: boolean;
}

/** Wireshark's disk image puts its programs into the application and nothing into the PATH. */
const macOsFolder = '/Applications/Wireshark.app/Contents/MacOS';

/** The first that may be executed, as a shell looks for it, else one that may not be; `null` for none. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): Program | null {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  if (platform() === 'darwin') folders.push(macOsFolder);
  const found = folders
    .map((folder) => join(folder, name))
    .filter(isFile)
    .map((path) => ({ path, executable: isExecutable(path) }));
  return found.find(({ executable }) => executable) ?? found.at(0) ?? null;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Not there, or in a folder that this user may not enter.
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
