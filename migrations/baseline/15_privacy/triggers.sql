-- Erasures are only ever added to.

call lms_private.append_but_erase('erasures', 'reason');
