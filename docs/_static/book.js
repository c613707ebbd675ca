// What scrolls sideways can be scrolled from the keyboard, and both drawers have a name.
function reachable() {
  for (const box of document.querySelectorAll("pre, .table-wrapper, .math-wrapper"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
}
addEventListener("load", () => {
  document.querySelector(".sidebar-drawer").ariaLabel = "The book";
  document.querySelector(".toc-drawer").ariaLabel = "On this page";
  reachable();
});
addEventListener("resize", reachable);
