/**
 * The profile as others see it.
 * @module
 */

import { api, getConfig, getMe, setMe } from "../../api.js";
import { fill, h } from "../../dom.js";
import { announce } from "../../events.js";
import { t } from "../../i18n.js";
import { crop } from "../../components/crop.js";
import { showMessage } from "../../components/dialogs.js";
import { field, form } from "../../components/forms.js";
import { avatar } from "../../components/pictures.js";
import { attempt } from "../../components/problems.js";

/** @import { Profile } from "../../types.js" */

export async function profileSection() {
  const [me, { texts }] = await Promise.all([getMe(), getConfig()]);
  return h(
    "div",
    null,
    avatarEditor(me),
    form(
      {
        action: t("save_changes"),
        submit: async ({ username = "", fullName = "", bio = "", website = "" }) => {
          changed(await api.patch("/users/profile", { body: { username, fullName, bio, website } }));
          showMessage(t("saved_changes"));
        },
      },
      field(t("username"), "username", {
        value: me.username,
        autocapitalize: "none",
        dir: "ltr",
        hint: t("username_hint"),
      }),
      field(t("full_name"), "fullName", { value: me.fullName, dir: "auto", maxLength: texts.fullName }),
      field(t("bio"), "bio", { value: me.bio, multiline: true, rows: 3, dir: "auto", maxLength: texts.bio }),
      field(t("website"), "website", { value: me.website, type: "url", dir: "ltr", maxLength: texts.website }),
    ),
  );
}

/** @param {Profile} profile */
function changed(profile) {
  setMe(profile);
  announce("profile", {});
}

/** @param {Profile} me */
function avatarEditor(me) {
  const shown = h("div", null, avatar(me, "large"));
  const input = h("input", { type: "file", accept: "image/*", class: "hidden", id: "avatar", onchange: choose });

  async function choose() {
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    const cropped = await crop(file).catch(() => file);
    if (!cropped) return;
    await attempt(async () => {
      const body = new FormData();
      body.append("avatar", cropped, cropped.name);
      show(await api.post("/users/avatar", { body }));
    });
  }

  async function remove() {
    await attempt(async () => show(await api.delete("/users/avatar")));
  }

  /** @param {Profile} profile */
  function show(profile) {
    changed(profile);
    fill(shown, avatar(profile, "large"));
  }

  return h(
    "div",
    { class: "avatar-editor" },
    shown,
    input,
    h("label", { class: "button", for: "avatar" }, t("change_photo")),
    h("button", { type: "button", class: "button quiet", onclick: remove }, t("remove")),
  );
}
