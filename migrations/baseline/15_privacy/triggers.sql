-- Erasures are only ever added to.

call lms_private.append_only_redactable('erasures', 'reason');
