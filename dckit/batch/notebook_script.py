"""A script: execute the notebook that the command line names, and print its error and the kernel's peak memory in MB.

It ends with its kernel when the process that waits for it closes the pipe or ends: nothing goes on working for a grid
that was killed. It imports nothing of the kit.
"""

import json
import os
import sys
import threading

# A kernel may lose the ports that it was given to another one that starts at the same moment. No cell has run then.
NEVER_BEGAN, STARTS = "Kernel died before replying to kernel_info", 3


def main() -> None:
    """Execute the notebook. Its errors are printed, not raised."""
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    os.environ["DCKIT_HEADLESS"] = "1"  # for the kernel: nobody sees what is shown (see check/kept.py)
    import papermill

    notebook, part, parameters, show = json.loads(sys.argv[1])
    # Not even errors: each kernel warns that its TCP is not encrypted, and of the interrupt that ends it.
    how = {"kernel_name": "python3", "cwd": os.getcwd(), "extra_arguments": ["--log-level=50"]}
    error, megabytes = "", 0.0
    try:
        for left in reversed(range(STARTS)):
            try:
                papermill.execute_notebook(notebook, part, parameters, progress_bar=show, **how)
                break
            except RuntimeError as failed:
                if NEVER_BEGAN not in str(failed) or not left:
                    raise
    except papermill.PapermillExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}"
    except RuntimeError as failed:  # nbclient's DeadKernelError, or a kernel that does not start
        error = f"{type(failed).__name__}: {failed} (killed, or out of memory?)"
    except OSError as failed:  # a full disk; who asked says which file
        error = f"the notebook could not be written: {failed.strerror}"
    if sys.platform != "win32":
        import resource

        unit = 2**20 if sys.platform == "darwin" else 2**10
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    print("\n" + json.dumps([error, megabytes]))


def end_with_the_parent() -> None:
    """End this process and its kernel when the other end of its pipe is gone: nothing is ever written to it."""
    import psutil  # type: ignore[import-untyped]  # which ipykernel needs too

    os.read(sys.stdin.fileno(), 1)
    # A kernel that is still starting does not notice by itself that its parent is gone.
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
