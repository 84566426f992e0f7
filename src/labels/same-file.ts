import { look } from '../io/look.ts';
import { joinRaw, type RawPath, toRaw } from '../io/raw-path.ts';

/**
 * Whether `path` leads to a file, and to another one than `own`; both relative to `root`. Some file systems find a file
 * in any spelling of its name, others keep the spellings apart.
 */
export async function isAnotherFile(root: RawPath, path: string, own: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [path, own].map((each) => look(joinRaw(root, toRaw(each)), root, 'files')),
  );
  if (one!.type !== 'file') return false;
  return two!.type !== 'file' || one!.stats.ino !== two!.stats.ino || one!.stats.dev !== two!.stats.dev;
}
